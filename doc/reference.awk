#
# doc/reference.awk
# -----------------
#
# Copyright (c) 2026 the mioext authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
#
# What Doxygen reads in the place of a header: the same lines, without what only the compiler needs.
#
# - `-> decltype(...)` goes: a result that follows from the completion token is `auto`. Of
#   `-> typename std::enable_if<condition, result>::type` the result stays.
# - So do the template parameters that choose between overloads: `detail::enable_if<...> = 0`.
# - Classes that are friends are nothing to users.
# - What is in namespace detail is not shown, and the inline namespace around everything is not either.
# - What users have of the bases of the handles and of streams is public: they are shown outside of
#   namespace detail, and what only derived classes or the library itself use is not.
#

BEGIN { bases = "(basic_handle|protocol_handle|asio_conversions|pipe_end|context_handle)" }

/^inline namespace MIOEXT_SYSTEM \{$/ || /^\} \/\/ namespace MIOEXT_SYSTEM$/ { $0 = "" }

{ text = text $0 "\n" }

END {
  if (FILENAME ~ "detail/(handles|async)/" bases "\\.hpp$") {
    gsub(/namespace detail \{\n/, "\n", text)
    gsub(/protected:/, "private:", text)
    sub(/\n};\n.*/, "\n};\n}\n", text)
  } else {
    text = without_detail(text)
  }
  text = with_bases(text)
  text = without(text, "[ \n]*->[ \n]*decltype\\(", "(", ")", "")
  text = without(text, ",[ \n]*detail::enable_if<", "<", ">", " = 0")
  text = without(text, ",[ \n]*if_context<", "<", ">", " = 0")
  text = with_result(text)
  gsub(/(template <[^>]*> )?friend (class|struct) [^;]*;/, "", text)
  printf "%s", text
}

# `where` without what `opening` matches, up to the bracket that closes the one at its end, and without
# `tail` if that follows. As many lines stay, so that Doxygen's numbers are those of the header.
function without(where, opening, left, right, tail,    result, rest, depth, at, c, gone) {
  while (match(where, opening)) {
    result = result substr(where, 1, RSTART - 1)
    rest = substr(where, RSTART)
    at = RLENGTH
    for (depth = 1; depth > 0 && at < length(rest);) {
      c = substr(rest, ++at, 1)
      depth += (c == left) - (c == right)
    }
    if (tail != "" && substr(rest, at + 1, length(tail)) == tail) {
      at += length(tail)
    }
    gone = substr(rest, 1, at)
    gsub(/[^\n]/, "", gone)
    result = result gone
    where = substr(rest, at + 1)
  }
  return result where
}

# clang-format puts the result into a line of its own.
function with_result(where,    result, found, after) {
  while (match(where, /->[ \n]*typename std::enable_if<[^{]*>::type \{/)) {
    found = substr(where, RSTART, RLENGTH)
    after = substr(where, RSTART + RLENGTH)
    result = result substr(where, 1, RSTART - 1)
    match(found, /,\n */)
    found = substr(found, RSTART + RLENGTH)
    sub(/>::type \{$/, " {", found)
    result = result "->\n\n" found
    where = after
  }
  return result where
}

# `where` without the blocks of namespace detail, with as many lines.
function without_detail(where,    result, gone) {
  while (match(where, /\nnamespace detail \{\n/)) {
    result = result substr(where, 1, RSTART)
    where = substr(where, RSTART + 1)
    match(where, /\n} \/\/ namespace detail\n/)
    gone = substr(where, 1, RSTART + RLENGTH - 1)
    gsub(/[^\n]/, "", gone)
    result = result gone
    where = substr(where, RSTART + RLENGTH)
  }
  return result where
}

# The bases of the handles and of streams under the names that they have here.
function with_bases(where,    result) {
  while (match(where, "detail::" bases)) {
    result = result substr(where, 1, RSTART - 1) substr(where, RSTART + 8, RLENGTH - 8)
    where = substr(where, RSTART + RLENGTH)
  }
  return result where
}

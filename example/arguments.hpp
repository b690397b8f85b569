//
// example/arguments.hpp
// ---------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What the examples read from their command lines.
//

#ifndef EXAMPLE_ARGUMENTS_HPP
#define EXAMPLE_ARGUMENTS_HPP

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/system/error_code.hpp>

#include "command_line.hpp"

inline unsigned long parse_number(std::string const& text, unsigned long least,
                                  unsigned long most) {
  bool const is_number = !text.empty() && text.size() <= 9 &&
                         text.find_first_not_of("0123456789") == std::string::npos;
  if (!is_number || std::stoul(text) < least || std::stoul(text) > most) {
    throw usage_error("not a number from " + std::to_string(least) + " to " + std::to_string(most) +
                      ": " + text);
  }
  return std::stoul(text);
}

inline boost::asio::ip::address parse_address(std::string const& text) {
  boost::system::error_code ec;
  boost::asio::ip::address const parsed = boost::asio::ip::make_address(text, ec);
  if (ec) {
    throw usage_error("not an IP address: " + text);
  }
  return parsed;
}

inline boost::asio::ip::tcp::endpoint
parse_endpoint(std::string const& address, std::string const& port, unsigned long least_port = 0) {
  boost::asio::ip::address const parsed = parse_address(address);
  return {parsed, static_cast<unsigned short>(parse_number(port, least_port, 65535))};
}

/// Takes `ADDRESS:PORT` apart, at the last colon. What the address is, is for others to say.
inline void parse_server(std::string const& text, std::string& address, int& port) {
  std::size_t const colon = std::min(text.rfind(':'), text.size());
  address = text.substr(0, colon);
  port = static_cast<int>(parse_number(text.substr(std::min(colon + 1, text.size())), 1, 65535));
}

/// The kind of context that an example is to run in: true for a selector_context, and false for an
/// io_context.
inline bool parse_is_selector_context(std::string const& text) {
  if (text != "io" && text != "selector") {
    throw usage_error("neither io nor selector: " + text);
  }
  return text == "selector";
}

/// Calls `take(name, value)` for each leading `--name value`, and returns what follows them. `take`
/// returns false for a name that it does not know; those in `flags` have no value.
template <class Take>
std::vector<std::string> parse_options(std::vector<std::string> const& arguments,
                                       std::vector<std::string> const& flags, Take take) {
  std::size_t index = 0;
  while (index != arguments.size() && arguments[index].compare(0, 2, "--") == 0) {
    std::string const& name = arguments[index++];
    bool is_flag = false;
    for (std::string const& flag : flags) {
      is_flag = is_flag || name == flag;
    }
    if (!is_flag && index == arguments.size()) {
      throw usage_error(name + " needs a value, or is no option");
    }
    if (!take(name, is_flag ? std::string() : arguments[index++])) {
      throw usage_error("no such option: " + name);
    }
  }
  return std::vector<std::string>(arguments.begin() + static_cast<std::ptrdiff_t>(index),
                                  arguments.end());
}

#endif // EXAMPLE_ARGUMENTS_HPP

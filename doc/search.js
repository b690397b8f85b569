//
// doc/search.js
// -------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The search of the guide. It needs no server and no index: all chapters are in this page, and their
// sections are read when somebody searches for the first time. index.html?q=WORDS begins with a search.
//
"use strict";
(function () {
  const most = 30;
  const toc = document.getElementById("toc");
  const box = document.createElement("input");
  box.id = "search";
  box.type = "search";
  box.placeholder = "Search ( / )";
  box.setAttribute("aria-label", "Search the guide");
  box.autocomplete = "off";
  const found = document.createElement("div");
  found.id = "found";
  found.setAttribute("role", "status");
  toc.insertBefore(found, toc.querySelector("ul"));
  toc.insertBefore(box, found);

  // What the sections say, each without those inside it.
  let sections = null;
  function read() {
    const result = [];
    document.querySelectorAll("#content h2[id], #content h3[id]").forEach(function (heading) {
      const copy = heading.parentNode.cloneNode(true);
      copy.querySelectorAll(".sect2 .sect2, .sect1 .sect2, .sectionbody > .sect2, a.kept, h2, h3")
          .forEach(function (other) { other.remove(); });
      const chapter = heading.closest(".sect1").querySelector("h2").textContent;
      const title = heading.textContent;
      result.push({
        id: heading.id,
        title: title === chapter ? title : chapter + ": " + title,
        heading: title.toLowerCase(),
        text: copy.textContent.replace(/\s+/g, " ").trim()
      });
    });
    return result;
  }

  // The sections that have all of the words; those with most of them in their headings come first.
  function search(words) {
    const hits = [];
    sections.forEach(function (section) {
      const text = section.title.toLowerCase() + " " + section.text.toLowerCase();
      if (words.every(function (word) { return text.includes(word); })) {
        let score = 0;
        words.forEach(function (word) {
          score += (section.heading.includes(word) ? 100 : 0) + Math.min(text.split(word).length - 1, 20);
        });
        hits.push({ section: section, score: score });
      }
    });
    return hits.sort(function (one, other) { return other.score - one.score; });
  }

  // Appends the text around the first of the words, with the words marked.
  function excerpt(to, text, words) {
    const lower = text.toLowerCase();
    const places = words.map(function (word) { return lower.indexOf(word); })
                        .filter(function (place) { return place >= 0; });
    const begin = Math.max(0, (places.length ? Math.min.apply(null, places) : 0) - 40);
    let part = text.slice(begin, begin + 140);
    if (begin > 0) {
      part = "…" + part.replace(/^\S*\s/, "");
    }
    for (;;) {
      const small = part.toLowerCase();
      let at = -1;
      let length = 0;
      words.forEach(function (word) {
        const place = small.indexOf(word);
        if (place >= 0 && (at < 0 || place < at)) {
          at = place;
          length = word.length;
        }
      });
      if (at < 0) {
        break;
      }
      to.append(part.slice(0, at));
      const mark = document.createElement("mark");
      mark.textContent = part.slice(at, at + length);
      to.append(mark);
      part = part.slice(at + length);
    }
    to.append(part, "…");
  }

  function show() {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    found.textContent = "";
    toc.classList.toggle("searched", words.length > 0);
    if (words.length === 0) {
      return;
    }
    sections = sections || read();
    const hits = search(words);
    const count = document.createElement("p");
    count.textContent = hits.length === 0 ? "Nothing has all of these words." :
        hits.length + (hits.length === 1 ? " section" : " sections");
    found.append(count);
    hits.slice(0, most).forEach(function (hit) {
      const entry = document.createElement("p");
      const link = document.createElement("a");
      link.href = "#" + hit.section.id;
      link.textContent = hit.section.title;
      entry.append(link);
      excerpt(entry, hit.section.text, words);
      found.append(entry);
    });
  }

  box.addEventListener("input", show);
  box.addEventListener("keydown", function (event) {
    if (event.key === "Escape") {
      box.value = "";
      show();
    } else if (event.key === "Enter") {
      const first = found.querySelector("a");
      if (first) {
        first.click();
      }
    }
  });
  document.addEventListener("keydown", function (event) {
    if (event.key === "/" && !event.ctrlKey && !event.altKey && !event.metaKey && document.activeElement !== box) {
      event.preventDefault();
      box.focus();
    }
  });
  const asked = new URLSearchParams(location.search).get("q");
  if (asked) {
    box.value = asked;
    show();
  }
})();

#
# doc/links.rb
# ------------
#
# Copyright (c) 2026 the mioext authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
#
# The links of the guide that must not break, as macros for asciidoctor:
#
#   test:FILE[CASE]        the test that a promise is kept by: test case CASE of test/FILE.cpp, or, as
#                          test:guide_FILE[CASE], of doc/snippets/FILE.cpp
#   test:NAME[WORDS]       the same of a program: the case WORDS of test/NAME.sh
#   example:NAME[text]     the program example/NAME.cpp
#   api:NAME[text]         what Doxygen wrote of mioext::NAME (a class, a function, a member)
#
# Where there is no such case, file or name, that is a warning, which b2 doc takes for an error. The files
# that are linked become pages beside the guide, so that it can be put anywhere. The page itself gets the
# colours of code.css and the search of search.js.
#

require "asciidoctor"
require "fileutils"
require "rexml/document"
require "rouge"

module Links
  # A source file as a page, with an anchor at each of the names that were asked for.
  class Page
    def initialize(path, output)
      @text = File.read(path)
      @path = path
      @output = output
      @anchors = []
    end

    def case?(name)
      @text.match?(/^ *(BOOST_\w*TEST_CASE\w*\(\s*|case_of ')#{Regexp.escape(name)}(?!\w)/)
    end

    # Returns its id.
    def anchor(name)
      @anchors |= [name]
      Page.id(name)
    end

    def self.id(name)
      name.gsub(/\W+/, "_")
    end

    def write
      lexer = @path.end_with?(".sh") ? Rouge::Lexers::Shell.new : Rouge::Lexers::Cpp.new
      code = Rouge::Formatters::HTML.new.format(lexer.lex(@text))
      @anchors.each do |name|
        code.sub!(/(?<!\w)#{Regexp.escape(name)}(?!\w)/, "<mark id=\"#{Page.id(name)}\">#{name}</mark>")
      end
      FileUtils.mkdir_p(File.dirname(@output))
      File.write(@output, <<~HTML)
        <!DOCTYPE html>
        <html lang="en">
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>#{@path}</title>
        <style>
        body { margin: 1rem; font: 14px/1.5 monospace; }
        pre { overflow-x: auto; }
        mark { background: none; color: inherit; scroll-margin-top: 3rem; }
        mark:target { background: #fd6; color: #000; }
        @media screen and (prefers-color-scheme: dark) {
          body { background: #15191e; color: #d8dde2; }
          a { color: #8ab8e6; }
        }
        @media print { pre { white-space: pre-wrap; overflow-wrap: anywhere; } }
        #{File.read("doc/code.css")}
        </style>
        <p><a href="../index.html">Guide</a>: #{@path}</p>
        <pre class="rouge">#{code}</pre>
        </html>
      HTML
    end
  end

  # What is written during one conversion.
  class Output
    def initialize(document)
      @root = document.attr("root")
      @directory = document.attr("output")
      @pages = {}
    end

    def page(kind, name)
      path = "#{kind}/#{name}.cpp".sub(%r{\Atest/guide_}, "doc/snippets/")
      path = "#{kind}/#{name}.sh" unless File.file?("#{@root}/#{path}")
      return unless File.file?("#{@root}/#{path}")

      @pages[path] ||= Dir.chdir(@root) { Page.new(path, "#{@directory}/#{kind}/#{name}.html") }
    end

    def reference(name)
      @names ||= names_of("#{@directory}/work/mioext.tag")
      @names[name]
    end

    def write
      @pages.each_value { |page| Dir.chdir(@root) { page.write } }
    end

    private

    def names_of(file)
      names = {}
      REXML::Document.new(File.read(file)).elements.each("tagfile/compound") do |compound|
        name = compound.elements["name"].text
        filename = compound.elements["filename"].text
        names[name] ||= filename
        compound.elements.each("member") do |member|
          anchor = "#{member.elements["anchorfile"].text}##{member.elements["anchor"].text}"
          names["#{name}::#{member.elements["name"].text}"] ||= anchor
        end
      end
      names.transform_keys { |name| name.delete_prefix("mioext::") }
    end
  end

  def self.text_of(attributes, otherwise)
    text = attributes["text"]
    text.nil? || text.empty? ? otherwise : text
  end

  def self.of(document)
    (@outputs ||= {})[document.object_id] ||= Output.new(document)
  end
end

Asciidoctor::Extensions.register do
  inline_macro do
    named :test
    parse_content_as :text
    process do |parent, target, attributes|
      name = attributes["text"]
      page = Links.of(parent.document).page("test", target)
      if page&.case?(name)
        id = page.anchor(name)
      else
        parent.logger.warn("test/#{target} has no test case #{name}")
      end
      create_inline(parent, :quoted,
                    "<a class=\"kept\" href=\"test/#{target}.html##{id}\" title=\"#{target}: #{name}\">test</a>")
    end
  end

  inline_macro do
    named :example
    parse_content_as :text
    process do |parent, target, attributes|
      Links.of(parent.document).page("example", target) or parent.logger.warn("there is no example/#{target}.cpp")
      create_anchor(parent, Links.text_of(attributes, "#{target}.cpp"), type: :link, target: "example/#{target}.html")
    end
  end

  inline_macro do
    named :api
    parse_content_as :text
    process do |parent, target, attributes|
      file = Links.of(parent.document).reference(target) or parent.logger.warn("the reference has no #{target}")
      text = Links.text_of(attributes, target)
      create_inline(parent, :quoted, "<a class=\"api\" href=\"reference/#{file}\"><code>#{text}</code></a>")
    end
  end

  postprocessor do
    process do |document, output|
      Links.of(document).write
      output = output.dup
      doc = "#{document.attr("root")}/doc"
      output.sub!(/^pre\.rouge table td.*?(?=^<\/style>)/m) { File.read("#{doc}/code.css") } or
        document.logger.warn("Rouge's style was not found")
      output.sub("</body>") { "<script>\n#{File.read("#{doc}/search.js")}</script>\n</body>" }
    end
  end
end

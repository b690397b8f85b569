//
// bench/stream/bounce.hpp
// -----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Messages that bounce between the two ends of TCP connections, in one process: the work whose
// instructions are counted.
//

#ifndef BENCH_STREAM_BOUNCE_HPP
#define BENCH_STREAM_BOUNCE_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <utility>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/error_code.hpp>

namespace stream {

// In each unit one of its own, so that the counts of the one unit do not depend on what the other
// does.
namespace {

/// One end: sends back what comes.
template <class Stream> class bouncer {
public:
  static constexpr std::size_t message_size = 64;

  bouncer(boost::asio::io_context& context, std::uint64_t& left, Stream stream)
      : context_(context), left_(left), stream_(std::move(stream)) {}

  void write(std::size_t size) {
    boost::asio::async_write(stream_, boost::asio::buffer(buffer_.data(), size),
                             [this](boost::system::error_code ec, std::size_t) {
                               if (ec) {
                                 std::exit(1);
                               }
                               read();
                             });
  }

  void read() {
    stream_.async_read_some(boost::asio::buffer(buffer_),
                            [this](boost::system::error_code ec, std::size_t size) {
                              if (ec || size != message_size) {
                                std::exit(1);
                              }
                              if (--left_ == 0) {
                                context_.stop();
                              } else {
                                write(size);
                              }
                            });
  }

private:
  boost::asio::io_context& context_;
  std::uint64_t& left_;
  Stream stream_;
  std::array<char, 1024> buffer_ = {};
};

/// `make_pair` makes the two ends, in the context that it is given.
template <class Stream, class MakePair>
void bounce(std::size_t pairs, std::uint64_t round_trips, MakePair make_pair) {
  boost::asio::io_context context(1);
  std::uint64_t left = 2 * round_trips;
  std::vector<std::unique_ptr<bouncer<Stream>>> ends;
  for (std::size_t index = 0; index != pairs; ++index) {
    std::pair<Stream, Stream> pair = make_pair(context);
    ends.emplace_back(new bouncer<Stream>(context, left, std::move(pair.first)));
    ends.back()->read();
    ends.emplace_back(new bouncer<Stream>(context, left, std::move(pair.second)));
    ends.back()->write(bouncer<Stream>::message_size);
  }
  context.run();
}

} // namespace

using bounces = void(std::size_t pairs, std::uint64_t round_trips);

bounces asio_any_executor;
bounces asio_context_executor;
bounces mioext_any_executor;
bounces mioext_context_executor;

} // namespace stream

#endif // BENCH_STREAM_BOUNCE_HPP

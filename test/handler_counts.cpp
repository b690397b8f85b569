//
// test/handler_counts.cpp
// -----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What run(), run_one() and poll() of an io_context count: handlers of the program's, as with Asio's own
// sockets. Everything is done once with those and once with mioext's.
//

#include <mioext.hpp>

#include <cstddef>
#include <memory>
#include <ostream>
#include <utility>

#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#ifdef MIOEXT_DETAIL_HAS_CANCELLATION_SLOTS
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#endif
#include <boost/test/unit_test.hpp>

#include "contexts.hpp"
#include "handles.hpp"
#include "support.hpp"

namespace {

using boost::asio::buffer;
using boost::asio::socket_base;
using boost::asio::ip::tcp;
using boost::system::error_code;
using support::tested_context;
using unix_protocol = boost::asio::local::stream_protocol;

/// Asio's own objects.
struct with_asio {
  using context_type = boost::asio::io_context;
  using unix_stream = unix_protocol::socket;
  using tcp_stream = tcp::socket;

  explicit with_asio(context_type& context)
      : near(context), far(context), acceptor(context), connecting(context) {
    boost::asio::local::connect_pair(near, far);
    acceptor.open(tcp::v4());
    acceptor.bind(test::loopback());
    acceptor.listen();
  }

  template <class Handler> void accept(context_type&, Handler handler) {
    acceptor.async_accept(std::move(handler));
  }

  template <class Handler> void wait_for_number(context_type& context, Handler handler) {
    descriptor.reset(
        new boost::asio::posix::stream_descriptor(context, ::dup(near.native_handle())));
    descriptor->async_wait(boost::asio::posix::descriptor_base::wait_read, std::move(handler));
  }

  unix_stream near;
  unix_stream far;
  tcp::acceptor acceptor;
  tcp_stream connecting;
  std::unique_ptr<boost::asio::posix::stream_descriptor> descriptor;
};

/// mioext's.
struct with_mioext {
  using context_type = tested_context;
  using unix_stream = mioext::stream<mioext::unix_socket>;
  using tcp_stream = mioext::stream<mioext::tcp_socket>;

  explicit with_mioext(context_type& context)
      : near(context), far(context), acceptor(test::loopback()), connecting(context) {
    auto sockets = mioext::unix_socket::pair();
    near = unix_stream(context, std::move(sockets.first));
    far = unix_stream(context, std::move(sockets.second));
  }

  template <class Handler> void accept(context_type& context, Handler handler) {
    mioext::async_accept(context, acceptor, std::move(handler));
  }

  template <class Handler> void wait_for_number(context_type& context, Handler handler) {
    mioext::async_wait(context, near.native_handle(), mioext::interest::readable,
                       std::move(handler));
  }

  unix_stream near;
  unix_stream far;
  mioext::tcp_acceptor acceptor;
  tcp_stream connecting;
};

/// What a context counted, and how many handlers were called meanwhile.
struct tally {
  std::size_t polled = 0; ///< before what was waited for
  std::size_t first = 0;  ///< by run_one()
  std::size_t called_by_first = 0;
  std::size_t rest = 0;
  std::size_t called = 0;
  bool has_stopped = false;
};

bool operator==(tally const& left, tally const& right) {
  return left.polled == right.polled && left.first == right.first &&
         left.called_by_first == right.called_by_first && left.rest == right.rest &&
         left.called == right.called && left.has_stopped == right.has_stopped;
}

std::ostream& operator<<(std::ostream& stream, tally const& printed) {
  return stream << printed.polled << " polled, then " << printed.first << " with "
                << printed.called_by_first << " called, then " << printed.rest << "; "
                << printed.called << " called in all"
                << (printed.has_stopped ? "" : ", not stopped");
}

class called {
public:
  explicit called(std::size_t& count) : count_(&count) {}
  template <class... Results> void operator()(Results&&...) const { ++*count_; }

private:
  std::size_t* count_;
};

/// Does `begin(objects, context, handler)`, and after a while `go_on(objects)`.
template <class Objects, class Begin, class GoOn> tally count(Begin begin, GoOn go_on) {
  tally counted;
  typename Objects::context_type context;
  Objects objects(context);
  begin(objects, context, called(counted.called));
  counted.polled = context.poll();
  context.restart();
  go_on(objects);
  counted.first = context.run_one_for(support::patience);
  counted.called_by_first = counted.called;
  context.restart();
  counted.rest = context.run_for(support::patience);
  counted.has_stopped = context.stopped();
  return counted;
}

/// Now and then Asio's reactor is counted although it found nothing to call; not so here.
bool counts_calls_alone(tally const& counted) {
  return counted.called == counted.polled + counted.first + counted.rest;
}

template <class Begin, class GoOn> void compare(Begin begin, GoOn go_on) {
  tally const asios = count<with_asio>(begin, go_on);
  tally const ours = count<with_mioext>(begin, go_on);
  if (counts_calls_alone(asios)) {
    BOOST_TEST(ours == asios);
  } else {
    BOOST_TEST(counts_calls_alone(ours), ours);
    BOOST_TEST(ours.called == asios.called);
  }
}

struct nothing {
  template <class Objects> void operator()(Objects&) const {}
};

struct sends {
  template <class Objects> void operator()(Objects& objects) const {
    objects.far.write_some(buffer("x", 1));
  }
};

struct cancels {
  template <class Objects> void operator()(Objects& objects) const { objects.near.cancel(); }
};

struct closes {
  template <class Objects> void operator()(Objects& objects) const { objects.near.close(); }
};

char byte;

struct reads {
  template <class Objects>
  void operator()(Objects& objects, typename Objects::context_type&, called const& handler) const {
    objects.near.async_read_some(buffer(&byte, 1), handler);
  }
};

struct sends_and_reads {
  template <class Objects>
  void operator()(Objects& objects, typename Objects::context_type& context,
                  called const& handler) const {
    sends()(objects);
    reads()(objects, context, handler);
  }
};

/// Each read begins the next, for which there is something already, or not.
template <class Objects> struct read_chain {
  void operator()(error_code const&, std::size_t) const {
    handler();
    if (--*left != 0) {
      objects->near.async_read_some(buffer(&byte, 1), *this);
      objects->far.write_some(buffer("x", 1));
    }
  }
  Objects* objects;
  called handler;
  std::size_t* left;
};

struct reads_three_times {
  template <class Objects>
  void operator()(Objects& objects, typename Objects::context_type&, called const& handler) const {
    static std::size_t left;
    left = 3;
    objects.near.async_read_some(buffer(&byte, 1), read_chain<Objects>{&objects, handler, &left});
  }
};

struct reads_at_both_ends {
  template <class Objects>
  void operator()(Objects& objects, typename Objects::context_type&, called const& handler) const {
    static char other;
    objects.near.async_read_some(buffer(&byte, 1), handler);
    objects.far.async_read_some(buffer(&other, 1), handler);
  }
};

struct sends_both_ways {
  template <class Objects> void operator()(Objects& objects) const {
    objects.far.write_some(buffer("x", 1));
    objects.near.write_some(buffer("x", 1));
  }
};

struct cancels_both {
  template <class Objects> void operator()(Objects& objects) const {
    objects.near.cancel();
    objects.far.cancel();
  }
};

struct cancels_one_and_sends {
  template <class Objects> void operator()(Objects& objects) const {
    objects.far.cancel();
    objects.far.write_some(buffer("x", 1));
  }
};

struct writes {
  template <class Objects>
  void operator()(Objects& objects, typename Objects::context_type&, called const& handler) const {
    objects.near.async_write_some(buffer("x", 1), handler);
  }
};

struct writes_to_a_full_socket {
  template <class Objects>
  void operator()(Objects& objects, typename Objects::context_type& context,
                  called const& handler) const {
    objects.near.non_blocking(true);
    support::fill(objects.near.native_handle());
    writes()(objects, context, handler);
  }
};

struct drains {
  template <class Objects> void operator()(Objects& objects) const {
    objects.far.non_blocking(true);
    support::drain(objects.far.native_handle());
  }
};

struct reads_what_is_closed {
  template <class Objects>
  void operator()(Objects& objects, typename Objects::context_type& context,
                  called const& handler) const {
    objects.near.close();
    reads()(objects, context, handler);
  }
};

struct waits {
  template <class Objects>
  void operator()(Objects& objects, typename Objects::context_type&, called const& handler) const {
    objects.near.async_wait(socket_base::wait_read, handler);
  }
};

struct waits_for_what_is_there {
  template <class Objects>
  void operator()(Objects& objects, typename Objects::context_type&, called const& handler) const {
    objects.near.async_wait(socket_base::wait_write, handler);
  }
};

struct waits_for_a_number {
  template <class Objects>
  void operator()(Objects& objects, typename Objects::context_type& context,
                  called const& handler) const {
    objects.wait_for_number(context, handler);
  }
};

struct accepts {
  template <class Objects>
  void operator()(Objects& objects, typename Objects::context_type& context,
                  called const& handler) const {
    objects.accept(context, handler);
  }
};

struct connects {
  template <class Objects> void operator()(Objects& objects) const {
    client.close();
    test::connect(client, objects.acceptor.local_endpoint());
  }
  mioext::tcp_socket& client;
};

struct accepts_who_waits {
  template <class Objects>
  void operator()(Objects& objects, typename Objects::context_type& context,
                  called const& handler) const {
    connects{client}(objects);
    objects.accept(context, handler);
  }
  mioext::tcp_socket& client;
};

struct closes_acceptor {
  template <class Objects> void operator()(Objects& objects) const { objects.acceptor.close(); }
};

struct connects_later {
  template <class Objects>
  void operator()(Objects& objects, typename Objects::context_type&, called const& handler) const {
    objects.connecting.async_connect(objects.acceptor.local_endpoint(), handler);
  }
};

struct is_refused {
  template <class Objects>
  void operator()(Objects& objects, typename Objects::context_type&, called const& handler) const {
    tcp::endpoint const nobody = objects.acceptor.local_endpoint();
    objects.acceptor.close();
    objects.connecting.async_connect(nobody, handler);
  }
};

} // namespace

BOOST_AUTO_TEST_CASE(a_read_that_waits) { compare(reads(), sends()); }

BOOST_AUTO_TEST_CASE(a_read_that_is_done_at_once) { compare(sends_and_reads(), nothing()); }

BOOST_AUTO_TEST_CASE(a_read_begun_by_the_handler_of_another) {
  compare(reads_three_times(), sends());
}

BOOST_AUTO_TEST_CASE(two_reads_that_wait) { compare(reads_at_both_ends(), sends_both_ways()); }

BOOST_AUTO_TEST_CASE(a_write_that_is_done_at_once) { compare(writes(), nothing()); }

BOOST_AUTO_TEST_CASE(a_write_that_waits) { compare(writes_to_a_full_socket(), drains()); }

BOOST_AUTO_TEST_CASE(a_wait) { compare(waits(), sends()); }

BOOST_AUTO_TEST_CASE(a_wait_for_what_is_there) { compare(waits_for_what_is_there(), nothing()); }

BOOST_AUTO_TEST_CASE(a_wait_for_a_bare_descriptor) { compare(waits_for_a_number(), sends()); }

BOOST_AUTO_TEST_CASE(an_accept_that_waits) {
  mioext::tcp_socket client;
  compare(accepts(), connects{client});
}

BOOST_AUTO_TEST_CASE(an_accept_that_is_done_at_once) {
  mioext::tcp_socket client;
  compare(accepts_who_waits{client}, nothing());
}

BOOST_AUTO_TEST_CASE(a_connect) {
  compare(connects_later(), nothing());
  compare(is_refused(), nothing());
}

BOOST_AUTO_TEST_CASE(the_only_operation_is_cancelled) {
  compare(reads(), cancels());
  compare(waits(), cancels());
}

BOOST_AUTO_TEST_CASE(all_are_cancelled) { compare(reads_at_both_ends(), cancels_both()); }

BOOST_AUTO_TEST_CASE(one_of_two_is_cancelled) {
  compare(reads_at_both_ends(), cancels_one_and_sends());
}

BOOST_AUTO_TEST_CASE(the_handle_is_closed) {
  compare(reads(), closes());
  compare(waits(), closes());
  compare(accepts(), closes_acceptor());
}

BOOST_AUTO_TEST_CASE(an_error_that_is_known_at_once) { compare(reads_what_is_closed(), nothing()); }

#ifdef MIOEXT_DETAIL_HAS_CANCELLATION_SLOTS

namespace {

struct waits_until_cancelled {
  template <class Objects>
  void operator()(Objects& objects, typename Objects::context_type&, called const& handler) const {
    objects.near.async_wait(socket_base::wait_read,
                            boost::asio::bind_cancellation_slot(signal.slot(), handler));
  }
  boost::asio::cancellation_signal& signal;
};

struct emits {
  template <class Objects> void operator()(Objects&) const {
    signal.emit(boost::asio::cancellation_type::total);
  }
  boost::asio::cancellation_signal& signal;
};

} // namespace

BOOST_AUTO_TEST_CASE(the_only_operation_is_cancelled_by_its_slot) {
  boost::asio::cancellation_signal signal;
  compare(waits_until_cancelled{signal}, emits{signal});
}

#endif

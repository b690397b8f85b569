//
// test/unix.cpp
// -------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Unix sockets: addresses, pairs, and the passing of descriptors.
//

#include <mioext/unix.hpp>

#include <array>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <sys/socket.h>
#include <sys/un.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include "handles.hpp"
#include "systems.hpp"

#include <mioext/pipe.hpp>

namespace error = boost::asio::error;
using boost::asio::buffer;
using boost::asio::local::datagram_protocol;
using boost::asio::local::stream_protocol;
using boost::system::error_code;

// Only has to compile: every overload, once. What all sockets share is in tcp.cpp and udp.cpp.
namespace compile {

void every_overload_of_a_unix_handle(boost::asio::io_context& context);

void every_overload_of_a_unix_handle(boost::asio::io_context& context) {
  error_code ec;
  char data[8];
  boost::asio::mutable_buffer const in = buffer(data);
  boost::asio::const_buffer const out = buffer("x", 1);

  mioext::unix_socket socket1{stream_protocol()};
  mioext::unix_socket socket2("/path");
  mioext::unix_socket socket3(stream_protocol(), -1);
  mioext::unix_socket socket4(stream_protocol::socket{context});
  socket1.open();
  socket1.open(stream_protocol(), ec);
  socket1.connect("/path", ec);
  stream_protocol::socket into1 = socket1.into_asio(context);
  mioext::unix_acceptor acceptor1("/path");
  mioext::unix_acceptor acceptor2("/path", false);
  mioext::unix_acceptor acceptor3(stream_protocol::acceptor{context});
  acceptor1.accept(socket1, ec);
  stream_protocol::acceptor into2 = acceptor1.into_asio(context);
  mioext::unix_datagram datagram1("/path");
  mioext::unix_datagram datagram2(datagram_protocol::socket{context});
  datagram1.open();
  datagram1.send_to(out, "/path", 0, ec);
  datagram_protocol::socket into3 = datagram1.into_asio(context);

  std::pair<mioext::unix_socket, mioext::unix_socket> sockets = mioext::unix_socket::pair();
  sockets = mioext::unix_socket::pair(ec);
  std::pair<mioext::unix_datagram, mioext::unix_datagram> datagrams = mioext::unix_datagram::pair();
  datagrams = mioext::unix_datagram::pair(ec);

  int fd = -1;
  std::size_t size = mioext::send_with_descriptor(socket1, out, fd);
  size = mioext::send_with_descriptor(socket1, out, 0, ec);
  size = mioext::send_with_descriptor(socket1, out, socket2);
  size = mioext::send_with_descriptor(socket1, out, into1, ec);
  size = mioext::receive_with_descriptor(socket1, in, fd);
  size = mioext::receive_with_descriptor(socket1, in, fd, ec);
  (void)size;
}

} // namespace compile

namespace {

/// A directory for socket files, which goes with everything in it that is named.
class temporary_directory {
public:
  temporary_directory() : path_("/tmp/mioext_unix_XXXXXX") {
    BOOST_REQUIRE(::mkdtemp(&path_[0]) != nullptr);
  }
  ~temporary_directory() {
    ::unlink(file().c_str());
    ::rmdir(path_.c_str());
  }

  temporary_directory(temporary_directory const&) = delete;
  temporary_directory& operator=(temporary_directory const&) = delete;

  std::string file() const { return path_ + "/socket"; }

  /// A name that nobody else has: an abstract one, where there are such (Linux), else a path.
  std::string name() const { return test::has_linux ? '\0' + file() : file(); }

  /// A path with as many characters as sun_path has.
  std::string longest_file() const {
    std::string path = path_ + "/";
    path.append(sizeof(sockaddr_un().sun_path) - path.size(), 'x');
    return path;
  }

private:
  std::string path_;
};

} // namespace

BOOST_AUTO_TEST_SUITE(unix_handles)

BOOST_AUTO_TEST_CASE(a_pair_is_connected_non_blocking_and_close_on_exec) {
  auto sockets = mioext::unix_socket::pair();
  BOOST_TEST(test::is_prepared(sockets.first.native_handle()));
  BOOST_TEST(test::is_prepared(sockets.second.native_handle()));
  BOOST_TEST(boost::asio::write(sockets.first, buffer("hello", 5)) == 5u);
  char data[5];
  BOOST_TEST(boost::asio::read(sockets.second, buffer(data)) == 5u);
  BOOST_TEST(test::text(data, 5) == "hello");
  BOOST_TEST(sockets.first.local_endpoint().path().empty());
  BOOST_TEST(sockets.first.remote_endpoint().path().empty());

  error_code ec;
  BOOST_TEST(sockets.second.read_some(buffer(data), ec) == 0u);
  BOOST_TEST(ec == error::would_block);
  sockets.first.close();
  BOOST_TEST(sockets.second.read_some(buffer(data), ec) == 0u);
  BOOST_TEST(ec == error::eof);
  BOOST_TEST(sockets.second.write_some(buffer(data), ec) == 0u);
  BOOST_TEST(ec == error::broken_pipe);
}

BOOST_AUTO_TEST_CASE(a_pair_without_descriptors_says_so_and_is_closed) {
  error_code ec;
  {
    test::no_descriptors_left limit;
    auto sockets = mioext::unix_socket::pair(ec);
    BOOST_TEST(!sockets.first.is_open());
    BOOST_TEST(!sockets.second.is_open());
  }
  BOOST_TEST(ec == error::no_descriptors);
}

BOOST_AUTO_TEST_CASE(shutdown_ends_one_direction) {
  auto sockets = mioext::unix_socket::pair();
  sockets.first.shutdown(mioext::unix_socket::shutdown_send);
  char data[4] = {};
  error_code ec;
  sockets.second.read_some(buffer(data), ec);
  BOOST_TEST(ec == error::eof);
  sockets.first.write_some(buffer(data), ec);
  BOOST_TEST(ec == error::broken_pipe);
  BOOST_TEST(sockets.second.write_some(buffer(data), ec) == 4u);
  BOOST_TEST(sockets.first.read_some(buffer(data), ec) == 4u);
}

BOOST_AUTO_TEST_CASE(a_path_is_listened_on_and_connected_to) {
  temporary_directory const directory;
  mioext::unix_acceptor acceptor(directory.file());
  BOOST_TEST(acceptor.local_endpoint().path() == directory.file());
  mioext::unix_socket client;
  client.connect(directory.file());
  BOOST_TEST(client.remote_endpoint().path() == directory.file());
  BOOST_TEST(client.local_endpoint().path().empty());
  stream_protocol::endpoint peer("something else");
  mioext::unix_socket server = acceptor.accept(peer);
  BOOST_TEST(peer.path().empty());
  BOOST_TEST(test::is_prepared(server.native_handle()));
  BOOST_TEST(server.local_endpoint().path() == directory.file());
  BOOST_TEST(client.send(buffer("x", 1)) == 1u);
  BOOST_TEST(server.available() == 1u);

  // The file outlives the acceptor.
  acceptor.close();
  BOOST_TEST(test::error_of([&] { mioext::unix_acceptor again(directory.file()); }) ==
             error::address_in_use);
  mioext::unix_socket late;
  BOOST_TEST(test::error_of([&] { late.connect(directory.file()); }) == error::connection_refused);
  BOOST_TEST(::unlink(directory.file().c_str()) == 0);
  BOOST_TEST(test::error_of([&] { late.connect(directory.file()); }) ==
             boost::system::errc::no_such_file_or_directory);
  mioext::unix_acceptor again(directory.file());
  BOOST_TEST(again.is_open());
}

BOOST_AUTO_TEST_CASE(reuse_address_is_not_set_for_a_path) {
  temporary_directory const directory;
  mioext::unix_acceptor acceptor(directory.file(), true);
  mioext::unix_acceptor::reuse_address reuse(true);
  acceptor.get_option(reuse);
  BOOST_TEST(!reuse.value());
}

BOOST_AUTO_TEST_CASE(an_abstract_address_works_and_leaves_no_file,
                     *test::needs_linux("only there are addresses abstract")) {
  temporary_directory const directory; // unique, so that the name is
  std::string const name = '\0' + directory.file() + '\0' + "and more";
  mioext::unix_acceptor acceptor{stream_protocol::endpoint(name)};
  BOOST_TEST((acceptor.local_endpoint().path() == name));
  BOOST_TEST(::access(directory.file().c_str(), F_OK) != 0);
  mioext::unix_socket client;
  client.connect(stream_protocol::endpoint(name));
  BOOST_TEST((client.remote_endpoint().path() == name));
  mioext::unix_socket const server = acceptor.accept();
  BOOST_TEST(server.is_open());
  acceptor.close();
  mioext::unix_acceptor again{stream_protocol::endpoint(name)};
  BOOST_TEST(again.is_open());
}

BOOST_AUTO_TEST_CASE(datagrams_have_abstract_addresses_too,
                     *test::needs_linux("only there are addresses abstract")) {
  temporary_directory const directory;
  std::string const name = '\0' + directory.file() + '\0' + "and more";
  mioext::unix_datagram receiver{datagram_protocol::endpoint(name)};
  mioext::unix_datagram sender{datagram_protocol::endpoint(name + ", the sender's")};
  BOOST_TEST((receiver.local_endpoint().path() == name));
  BOOST_TEST(::access(directory.file().c_str(), F_OK) != 0);
  sender.send_to(buffer("a", 1), datagram_protocol::endpoint(name));
  char data[4];
  datagram_protocol::endpoint from;
  BOOST_TEST(receiver.receive_from(buffer(data), from) == 1u);
  BOOST_TEST((from.path() == name + ", the sender's"));
  receiver.connect(from);
  BOOST_TEST((receiver.remote_endpoint().path() == name + ", the sender's"));
  receiver.send(buffer("bc", 2));
  BOOST_TEST(sender.receive(buffer(data)) == 2u);
  receiver.close();
  error_code ec;
  sender.send_to(buffer("d", 1), datagram_protocol::endpoint(name), 0, ec);
  BOOST_TEST(ec == boost::asio::error::connection_refused); // it is gone with its socket
}

BOOST_AUTO_TEST_CASE(a_bound_clients_address_reaches_the_acceptor) {
  temporary_directory const directory;
  std::string const name = directory.name();
  mioext::unix_acceptor acceptor{stream_protocol::endpoint(name)};
  mioext::unix_socket client{stream_protocol::endpoint(name + ".client")};
  client.connect(stream_protocol::endpoint(name));
  stream_protocol::endpoint peer;
  mioext::unix_socket const server = acceptor.accept(peer);
  BOOST_TEST((peer.path() == name + ".client"));
  BOOST_TEST((server.remote_endpoint().path() == name + ".client"));
}

BOOST_AUTO_TEST_CASE(an_address_that_the_system_chose_is_abstract,
                     *test::needs_linux("only there are addresses abstract")) {
  // bind(2) with nothing but the family makes Linux choose a name (unix(7), "Autobind").
  mioext::unix_socket socket{stream_protocol()};
  sockaddr_un address = sockaddr_un();
  address.sun_family = AF_UNIX;
  BOOST_REQUIRE(::bind(socket.native_handle(), reinterpret_cast<sockaddr*>(&address),
                       sizeof(address.sun_family)) == 0);
  std::string const path = socket.local_endpoint().path();
  BOOST_TEST(path.size() == 6u);
  BOOST_TEST((path[0] == '\0'));
}

BOOST_AUTO_TEST_CASE(a_path_that_fills_the_address_is_reported_whole) {
  // Asio's endpoint does not make one, but somebody else can.
  temporary_directory const directory;
  std::string const path = directory.longest_file();
  sockaddr_un address = sockaddr_un();
  address.sun_family = AF_UNIX;
  BOOST_REQUIRE(path.size() == sizeof(address.sun_path));
  std::memcpy(address.sun_path, path.data(), path.size());
  mioext::unix_datagram longest{datagram_protocol()};
  BOOST_REQUIRE(
      ::bind(longest.native_handle(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
  BOOST_TEST(longest.local_endpoint().path() == path);

  mioext::unix_datagram receiver{datagram_protocol::endpoint(directory.file())};
  longest.send_to(buffer("x", 1), receiver.local_endpoint());
  char data[4];
  datagram_protocol::endpoint from;
  BOOST_TEST(receiver.receive_from(buffer(data), from) == 1u);
  BOOST_TEST(from.path() == path);
  ::unlink(path.c_str());
}

BOOST_AUTO_TEST_CASE(a_full_backlog_is_would_block_and_nothing_is_in_progress) {
  temporary_directory const directory;
  mioext::unix_acceptor acceptor;
  acceptor.open();
  acceptor.bind(directory.file());
  acceptor.listen(0);
  std::vector<mioext::unix_socket> clients;
  error_code ec;
  while (!ec) {
    BOOST_REQUIRE(clients.size() < 100u);
    clients.emplace_back();
    clients.back().connect(directory.file(), ec);
  }
  BOOST_TEST(ec == error::would_block);
  BOOST_TEST(!clients.back().take_error());
  clients.back().remote_endpoint(ec);
  BOOST_TEST(ec == error::not_connected);
  acceptor.accept();
  clients.back().connect(directory.file(), ec);
  BOOST_TEST(!ec);
}

BOOST_AUTO_TEST_CASE(datagrams_keep_their_boundaries_in_a_pair) {
  auto sockets = mioext::unix_datagram::pair();
  BOOST_TEST(test::is_prepared(sockets.first.native_handle()));
  BOOST_TEST(sockets.first.send(buffer("one", 3)) == 3u);
  BOOST_TEST(sockets.first.send(boost::asio::const_buffer()) == 0u);
  BOOST_TEST(sockets.first.send(buffer("three", 5)) == 5u);
  char data[16];
  error_code ec;
  BOOST_TEST(sockets.second.receive(buffer(data), 0, ec) == 3u);
  BOOST_TEST(sockets.second.receive(buffer(data), 0, ec) == 0u);
  BOOST_TEST(!ec);
  BOOST_TEST(sockets.second.receive(buffer(data), 0, ec) == 5u);
  sockets.second.receive(buffer(data), 0, ec);
  BOOST_TEST(ec == error::would_block);
}

BOOST_AUTO_TEST_CASE(datagrams_say_who_sent_them_and_a_full_receiver_would_block) {
  temporary_directory const directory;
  std::string const name = directory.name();
  mioext::unix_datagram receiver{datagram_protocol::endpoint(name)};
  mioext::unix_datagram named{datagram_protocol::endpoint(name + ".sender")};
  mioext::unix_datagram unnamed{datagram_protocol()};
  named.send_to(buffer("a", 1), receiver.local_endpoint());
  unnamed.send_to(buffer("b", 1), receiver.local_endpoint());
  char data[4];
  datagram_protocol::endpoint from;
  BOOST_TEST(receiver.receive_from(buffer(data), from) == 1u);
  BOOST_TEST((from == named.local_endpoint()));
  BOOST_TEST(receiver.receive_from(buffer(data), from) == 1u);
  BOOST_TEST(from.path().empty());

  error_code ec;
  for (int i = 0; i < 100000 && !ec; ++i) {
    unnamed.send_to(buffer("x", 1), receiver.local_endpoint(), 0, ec);
  }
  BOOST_TEST(ec == error::would_block);
}

BOOST_AUTO_TEST_CASE(a_descriptor_travels_with_the_data) {
  auto sockets = mioext::unix_socket::pair();
  auto ends = mioext::pipe();
  BOOST_TEST(mioext::send_with_descriptor(sockets.first, buffer("take", 4), ends.second) == 4u);
  ends.second.close();
  char data[8];
  int fd = -1;
  BOOST_TEST(mioext::receive_with_descriptor(sockets.second, buffer(data), fd) == 4u);
  BOOST_TEST(test::text(data, 4) == "take");
  BOOST_REQUIRE(fd >= 0);
  BOOST_TEST((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);

  mioext::pipe_writer writer(fd);
  writer.write_some(buffer("x", 1));
  BOOST_TEST(ends.first.read_some(buffer(data)) == 1u);
}

BOOST_AUTO_TEST_CASE(a_received_descriptor_stays_blocking_if_it_was) {
  auto sockets = mioext::unix_socket::pair();
  test::raw_pipe pipe;
  mioext::send_with_descriptor(sockets.first, buffer("x", 1), pipe.reader());
  char data[8];
  int fd = -1;
  mioext::receive_with_descriptor(sockets.second, buffer(data), fd);
  BOOST_REQUIRE(fd >= 0);
  BOOST_TEST((::fcntl(fd, F_GETFL) & O_NONBLOCK) == 0);
  BOOST_TEST((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
  ::close(fd);
}

BOOST_AUTO_TEST_CASE(data_without_descriptor_would_block_and_the_end_yield_none) {
  auto sockets = mioext::unix_socket::pair();
  char data[8];
  int fd = 5;
  error_code ec;
  BOOST_TEST(mioext::receive_with_descriptor(sockets.second, buffer(data), fd, ec) == 0u);
  BOOST_TEST(ec == error::would_block);
  BOOST_TEST(fd == -1);

  sockets.first.send(buffer("abc", 3));
  fd = 5;
  BOOST_TEST(mioext::receive_with_descriptor(sockets.second, buffer(data), fd, ec) == 3u);
  BOOST_TEST(!ec);
  BOOST_TEST(fd == -1);

  sockets.first.close();
  fd = 5;
  BOOST_TEST(test::error_of([&] {
               mioext::receive_with_descriptor(sockets.second, buffer(data), fd);
             }) == error::eof);
  BOOST_TEST(fd == -1);
  mioext::send_with_descriptor(sockets.second, buffer(data), 0, ec);
  BOOST_TEST(ec == error::broken_pipe);
}

BOOST_AUTO_TEST_CASE(a_descriptor_needs_a_byte_and_has_to_be_one) {
  auto sockets = mioext::unix_socket::pair();
  error_code ec;
  mioext::send_with_descriptor(sockets.first, boost::asio::const_buffer(), 0, ec);
  BOOST_TEST(ec == error::invalid_argument);
  mioext::pipe_reader const closed;
  mioext::send_with_descriptor(sockets.first, buffer("x", 1), closed, ec);
  BOOST_TEST(ec == error::bad_descriptor);
  mioext::unix_socket none;
  mioext::send_with_descriptor(none, buffer("x", 1), 0, ec);
  BOOST_TEST(ec == error::bad_descriptor);
}

BOOST_AUTO_TEST_CASE(descriptors_that_nobody_asked_for_are_not_leaked) {
  auto sockets = mioext::unix_socket::pair();
  test::raw_pipe pipe;
  auto const send_three = [&] {
    char byte = 'x';
    iovec data = {&byte, 1};
    int const fds[3] = {pipe.reader(), pipe.writer(), pipe.reader()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(fds))] = {};
    msghdr message = msghdr();
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(fds));
    std::memcpy(CMSG_DATA(header), fds, sizeof(fds));
    BOOST_REQUIRE(::sendmsg(sockets.first.native_handle(), &message, 0) == 1);
  };
  std::size_t const before = test::open_descriptors();
  char data[8];

  send_three();
  int fd = -1;
  BOOST_TEST(mioext::receive_with_descriptor(sockets.second, buffer(data), fd) == 1u);
  BOOST_REQUIRE(fd >= 0);
  BOOST_TEST(test::open_descriptors() == before + 1);
  ::close(fd);

  send_three();
  BOOST_TEST(sockets.second.read_some(buffer(data)) == 1u);
  BOOST_TEST(test::open_descriptors() == before);
}

BOOST_AUTO_TEST_CASE(a_pair_goes_to_asio_and_back) {
  boost::asio::io_context context;
  auto sockets = mioext::unix_socket::pair();
  stream_protocol::socket asio_socket = sockets.first.into_asio(context);
  sockets.second.send(buffer("abc", 3));
  char data[8];
  std::size_t received = 0;
  asio_socket.async_read_some(buffer(data), [&](error_code ec, std::size_t bytes) {
    BOOST_TEST(!ec);
    received = bytes;
  });
  context.run();
  BOOST_TEST(received == 3u);
  mioext::unix_socket back(std::move(asio_socket));
  BOOST_TEST(back.send(buffer("x", 1)) == 1u);
  BOOST_TEST(sockets.second.read_some(buffer(data)) == 1u);
}

#ifdef SO_PASSCRED
BOOST_AUTO_TEST_CASE(a_descriptor_comes_through_beside_the_credentials_of_its_sender) {
  auto ends = mioext::unix_socket::pair();
  int const yes = 1;
  BOOST_REQUIRE(
      ::setsockopt(ends.second.native_handle(), SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes) == 0);
  auto sent = mioext::pipe();
  mioext::send_with_descriptor(ends.first, boost::asio::buffer("x", 1), sent.first);
  int received = -1;
  char byte = 0;
  BOOST_TEST(
      mioext::receive_with_descriptor(ends.second, boost::asio::buffer(&byte, 1), received) == 1u);
  BOOST_REQUIRE(received >= 0);
  mioext::pipe_reader const owner(received);
}
#endif

BOOST_AUTO_TEST_SUITE_END()

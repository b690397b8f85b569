//
// example/socket_file.hpp
// -----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// A server's Unix socket in the file system: who may connect, what may be removed.
//

#ifndef EXAMPLE_SOCKET_FILE_HPP
#define EXAMPLE_SOCKET_FILE_HPP

#include <string>

#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/error.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/system_error.hpp>

#include <mioext/unix.hpp>

/// The file that binding to a path makes. It would outlive the server.
class socket_file {
public:
  socket_file() = default;
  socket_file(socket_file const&) = delete;
  socket_file& operator=(socket_file const&) = delete;

  ~socket_file() {
    struct stat now;
    // Only our own: another server may have taken the path meanwhile.
    if (!path_.empty() && ::lstat(path_.c_str(), &now) == 0 && now.st_dev == made_.st_dev &&
        now.st_ino == made_.st_ino) {
      ::unlink(path_.c_str());
    }
  }

  /// Binds, and lets only this user connect from the beginning: a mode that was changed after that
  /// would leave a moment for others.
  mioext::unix_acceptor bind(std::string const& path) {
    boost::asio::local::stream_protocol::endpoint const endpoint(path);
    remove_leftover(endpoint);
    ::mode_t const before = ::umask(077);
    boost::system::error_code ec;
    mioext::unix_acceptor acceptor;
    acceptor.open(endpoint.protocol(), ec);
    if (!ec) {
      acceptor.bind(endpoint, ec);
    }
    if (!ec) {
      acceptor.listen(256, ec);
    }
    ::umask(before);
    if (ec) {
      throw boost::system::system_error(ec, path);
    }
    if (::lstat(path.c_str(), &made_) == 0) {
      path_ = path;
    }
    return acceptor;
  }

private:
  // A server that was killed leaves its socket behind. Nobody listens to it, which connecting tells.
  // Anything else at that place is not ours to remove; bind will say that the address is in use.
  static void remove_leftover(boost::asio::local::stream_protocol::endpoint const& endpoint) {
    struct stat found;
    if (::lstat(endpoint.path().c_str(), &found) == 0 && S_ISSOCK(found.st_mode)) {
      boost::system::error_code ec;
      mioext::unix_socket().connect(endpoint, ec);
      if (ec == boost::asio::error::connection_refused) {
        ::unlink(endpoint.path().c_str());
      }
    }
  }

  std::string path_;
  struct stat made_ = {};
};

#endif // EXAMPLE_SOCKET_FILE_HPP

#pragma once
// Inside net/ .cc files only, for it includes Beast: a message parser fed from a buffer, whose body comes out in
// pieces.
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>

#include "net/http.h"
#include "net/sockets.h"

namespace paastech::net {

namespace beast = boost::beast;
namespace http = boost::beast::http;

// A Beast body that appends to a string and never reserves what a peer merely announces.
struct PieceBody {
  using value_type = std::string;
  class reader {
   public:
    template <bool kRequest, class Fields>
    reader(http::header<kRequest, Fields>&, value_type& body) : body_(body) {}
    void init(const boost::optional<std::uint64_t>&, beast::error_code& error) { error = {}; }
    template <class Buffers>
    std::size_t put(const Buffers& buffers, beast::error_code& error) {
      error = {};
      std::size_t total = 0;
      for (auto it = asio::buffer_sequence_begin(buffers); it != asio::buffer_sequence_end(buffers); ++it) {
        const asio::const_buffer part = *it;
        body_.append(static_cast<const char*>(part.data()), part.size());
        total += part.size();
      }
      return total;
    }
    void finish(beast::error_code& error) { error = {}; }

   private:
    value_type& body_;
  };
};

// Parses what the buffer holds, and stops at the end of the head, at the end of the message, or where more is needed.
template <bool kRequest>
beast::error_code feed(http::parser<kRequest, PieceBody>& parser, beast::flat_buffer& buffer) {
  const bool in_head = !parser.is_header_done();
  while (buffer.size() > 0 && !parser.is_done()) {
    beast::error_code error;
    const std::size_t used = parser.put(buffer.data(), error);
    buffer.consume(used);
    if (error == http::error::need_more) return {};
    if (error) return error;
    if (in_head && parser.is_header_done()) return {};
    if (used == 0) return {};
  }
  return {};
}

template <class Fields>
Headers to_headers(const Fields& fields) {
  Headers headers;
  for (const auto& field : fields) headers.add(std::string(field.name_string()), std::string(field.value()));
  return headers;
}

}  // namespace paastech::net

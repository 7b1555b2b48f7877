#pragma once
// The answers the router gives itself: what happened, why, what to do next, as HTML, JSON (RFC 9457) or plain text.
// Pure. Everything a visitor sent is escaped.
#include <string_view>

#include "ingress/buffer.h"

namespace paastech::ingress {

enum class PageKind : std::uint8_t { kText, kHtml, kJson };
PageKind page_kind(std::string_view accept);  // by the Accept header; plain text for none and */*

struct Page {
  int status = 500;
  std::string_view detail;      // one sentence; empty: the status's own
  std::string_view host;        // shown on a 404
  std::string_view request_id;  // may be empty
  PageKind kind = PageKind::kText;
  bool head_only = false;      // answer to HEAD: the same head, no body
  bool close = false;          // Connection: close
  bool keep_alive_10 = false;  // HTTP/1.0 asked for keep-alive and gets it
};
void write_page(Buffer& out, const Page& page);

}  // namespace paastech::ingress

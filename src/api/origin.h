#pragma once
// Where a request comes from: the Client's address, and whether a browser sent it from our own pages. Pure.
#include <string>
#include <string_view>

#include "base/address.h"
#include "base/result.h"
#include "net/http_server.h"

namespace paastech::api {

// The peer; where that is a trusted proxy, the rightmost address in X-Forwarded-For that is no trusted proxy too, for
// each proxy appends the one it was called from and what stands further left is only claimed (threats 26 and 27).
std::string client_address(const net::ServerRequest& request, const CidrList& trusted);

// The API as browsers see it, from service.api_url.
class Site {
 public:
  explicit Site(std::string_view api_url);
  const std::string& origin() const { return origin_; }  // "https://api.example.org": RFC 6454, without a default port
  // The name of the login's cookie. "__Host-" binds it to this host and to https (RFC 6265bis section 4.1.3.2), so that
  // no Application's subdomain can set it. Over http, which only ever happens on this machine, browsers refuse that
  // prefix. Empty: over http elsewhere the cookie would travel readably, so there is none.
  std::string_view cookie_name() const;

  // kPermissionDenied where a browser says that another site makes it send this (threat 19).
  Status refuse_foreign(const net::ServerRequest& request) const;
  // Whether a browser says that our own pages make it send this.
  bool is_ours(const net::ServerRequest& request) const;
  // The login's cookie of the request, where it has the form of a token; empty where there is none, or several.
  std::string token_in(const net::ServerRequest& request) const;
  std::string set_cookie(const std::string& token, std::int64_t seconds) const;  // for the header Set-Cookie
  std::string clear_cookie() const;

 private:
  std::string origin_;
  bool secure_ = false;
  bool loopback_ = false;
};

// A path on this site to go on to after a login, from a form; empty where it is anything else.
std::string local_path(std::string_view text);

}  // namespace paastech::api

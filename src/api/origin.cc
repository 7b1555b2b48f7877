#include "api/origin.h"

#include <algorithm>

#include "api/text_out.h"
#include "api/token_text.h"
#include "base/text.h"

namespace paastech::api {
namespace {

std::string header(const net::ServerRequest& request, std::string_view name) {
  return std::string(trim(request.headers.find(name).value_or("")));
}

// All lines of a list header as one (RFC 9110 section 5.3).
std::vector<std::string> list_of(const net::ServerRequest& request, std::string_view name) {
  std::vector<std::string> out;
  for (const auto& [key, value] : request.headers.items()) {
    if (lower(key) != name) continue;
    for (const std::string& item : split(value, ',')) out.emplace_back(trim(item));
  }
  return out;
}

// As RFC 4291 writes it; an IPv4-mapped address as IPv4. Empty where the text is no address.
std::string normal_address(const std::string& text) {
  const Result<Address> address = parse_address(text, 0);
  return address ? address_text(*address) : "";
}

bool is_trusted(const std::string& text, const CidrList& trusted) {
  const Result<Address> address = parse_address(text, 0);
  return address && trusted.contains(*address);
}

bool is_loopback(std::string_view host) {
  return host == "localhost" || host.ends_with(".localhost") || host == "[::1]" ||
         (host.starts_with("127.") && parse_address(std::string(host), 0));
}

}  // namespace

std::string client_address(const net::ServerRequest& request, const CidrList& trusted) {
  std::string at = normal_address(request.peer);
  if (at.empty()) return request.peer;
  const std::vector<std::string> said = list_of(request, "x-forwarded-for");
  for (auto one = said.rbegin(); one != said.rend() && is_trusted(at, trusted); ++one) {
    const std::string before = normal_address(*one);
    if (before.empty()) break;
    at = before;
  }
  return at;
}

Site::Site(std::string_view api_url) {
  const std::size_t scheme = api_url.find("://");
  if (scheme == std::string_view::npos) return;
  const std::size_t end = std::min(api_url.find_first_of("/?#", scheme + 3), api_url.size());
  origin_ = lower(api_url.substr(0, end));
  secure_ = origin_.starts_with("https://");
  const std::string_view standard = secure_ ? ":443" : ":80";
  if (origin_.ends_with(standard)) origin_.resize(origin_.size() - standard.size());
  const std::string_view place = std::string_view(origin_).substr(scheme + 3);
  const std::size_t port = place.rfind(':');
  const bool has_port = port != std::string_view::npos && place.find(']', port) == std::string_view::npos;
  loopback_ = is_loopback(place.substr(0, has_port ? port : place.size()));
}

std::string_view Site::cookie_name() const {
  if (secure_) return "__Host-paastech";
  return loopback_ ? "paastech" : "";
}

Status Site::refuse_foreign(const net::ServerRequest& request) const {
  const std::string origin = header(request, "Origin");
  const std::string site = header(request, "Sec-Fetch-Site");
  // "none": a person typed it. Older browsers say nothing, and neither do programs.
  const bool foreign_site = !site.empty() && site != "same-origin" && site != "none";
  if ((origin.empty() || lower(origin) == origin_) && !(origin.empty() && foreign_site)) return {};
  return fail(Code::kPermissionDenied,
              "another site (" + (origin.empty() ? "a " + safe_line(site) + " one" : safe_line(origin)) +
                  ") made your browser send this, so it was not done",
              "open " + origin_ + " yourself and try there");
}

bool Site::is_ours(const net::ServerRequest& request) const {
  const std::string origin = header(request, "Origin");
  if (!origin.empty()) return !origin_.empty() && lower(origin) == origin_;
  return header(request, "Sec-Fetch-Site") == "same-origin";
}

std::string Site::token_in(const net::ServerRequest& request) const {
  const std::string_view name = cookie_name();
  std::string found;
  if (name.empty()) return found;
  for (const auto& [key, value] : request.headers.items()) {
    if (lower(key) != "cookie") continue;
    for (const std::string& pair : split(value, ';')) {
      const std::string_view cookie = trim(pair);
      const std::size_t equals = cookie.find('=');
      if (equals == std::string_view::npos || cookie.substr(0, equals) != name) continue;
      if (!found.empty()) return {};
      found = cookie.substr(equals + 1);
    }
  }
  return is_token(found) ? found : "";
}

std::string Site::set_cookie(const std::string& token, std::int64_t seconds) const {
  // Lax: links from mails and terminals lead to a page with one's login; a foreign form's POST comes without it.
  return std::string(cookie_name()) + "=" + token + "; Path=/; Max-Age=" + std::to_string(seconds) +
         "; HttpOnly; SameSite=Lax" + (secure_ ? "; Secure" : "");
}

std::string Site::clear_cookie() const { return set_cookie("", 0); }

std::string local_path(std::string_view text) {
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f && c != '\\'; });
  if (!plain || text.size() > 512 || !text.starts_with('/') || text.starts_with("//")) return {};
  return std::string(text);
}

}  // namespace paastech::api

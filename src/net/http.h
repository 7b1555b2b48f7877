#pragma once
// Small HTTP/1.1 types that hide Beast. Header names compare without regard to case.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace paastech::net {

class Headers {
 public:
  void add(std::string name, std::string value) { items_.emplace_back(std::move(name), std::move(value)); }
  std::optional<std::string> find(std::string_view name) const;  // the first of that name
  const std::vector<std::pair<std::string, std::string>>& items() const { return items_; }

 private:
  std::vector<std::pair<std::string, std::string>> items_;
};

struct HttpRequest {
  std::string method = "GET";
  std::string target = "/";
  Headers headers = {};
  std::string body = {};
};

struct HttpResponse {
  int status = 200;
  Headers headers = {};
  std::string body = {};
};

const char* reason_phrase(int status);  // "Not Found" (RFC 9110 section 15); "Unknown" where it has none

}  // namespace paastech::net

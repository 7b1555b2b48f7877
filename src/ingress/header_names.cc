#include "ingress/header_names.h"

namespace paastech::ingress {
namespace {

char fold(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// As equals_ignoring_case, with "_" in a standing for "-"; notes that there was one.
bool matches(std::string_view a, std::string_view b, bool& underscore) {
  if (a.size() != b.size()) return false;
  bool seen = false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] == '_' && b[i] == '-') {
      seen = true;
      continue;
    }
    if (fold(a[i]) != b[i]) return false;
  }
  underscore = seen;
  return true;
}

bool begins(std::string_view a, std::string_view b, bool& underscore) {
  return a.size() >= b.size() && matches(a.substr(0, b.size()), b, underscore);
}

// First letter and length choose at most a few candidates, so that common names cost one comparison or none.
Name find(std::string_view n, bool& u) {
  switch (fold(n[0])) {
    case 'a': return matches(n, "accept", u) ? Name::kAccept : Name::kOther;
    case 'c':
      if (n.size() == 10) return matches(n, "connection", u) ? Name::kConnection : Name::kOther;
      if (n.size() == 14) return matches(n, "content-length", u) ? Name::kContentLength : Name::kOther;
      return Name::kOther;
    case 'e': return matches(n, "expect", u) ? Name::kExpect : Name::kOther;
    case 'f': return matches(n, "forwarded", u) ? Name::kForwarded : Name::kOther;
    case 'h': return matches(n, "host", u) ? Name::kHost : Name::kOther;
    case 'k': return matches(n, "keep-alive", u) ? Name::kHopByHop : Name::kOther;
    case 'p': return matches(n, "proxy", u) || begins(n, "proxy-", u) ? Name::kHopByHop : Name::kOther;
    case 't':
      if (n.size() == 2) return matches(n, "te", u) ? Name::kHopByHop : Name::kOther;
      if (n.size() == 7) return matches(n, "trailer", u) ? Name::kHopByHop : Name::kOther;
      return matches(n, "transfer-encoding", u) ? Name::kTransferEncoding : Name::kOther;
    case 'u': return matches(n, "upgrade", u) ? Name::kUpgrade : Name::kOther;
    case 'x':
      if (matches(n, "x-request-id", u)) return Name::kRequestId;
      if (matches(n, "x-real-ip", u)) return Name::kForwardedMore;
      if (!begins(n, "x-forwarded-", u)) return Name::kOther;
      if (matches(n, "x-forwarded-for", u)) return Name::kForwardedFor;
      if (matches(n, "x-forwarded-host", u)) return Name::kForwardedHost;
      if (matches(n, "x-forwarded-port", u)) return Name::kForwardedPort;
      if (matches(n, "x-forwarded-proto", u)) return Name::kForwardedProto;
      return Name::kForwardedMore;
    default: return Name::kOther;
  }
}

}  // namespace

Name name_of(std::string_view name) {
  bool underscore = false;
  const Name id = find(name, underscore);
  return id != Name::kOther && underscore ? Name::kLookalike : id;
}

bool equals_ignoring_case(std::string_view a, std::string_view lower_case_b) {
  if (a.size() != lower_case_b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (fold(a[i]) != lower_case_b[i]) return false;
  return true;
}

}  // namespace paastech::ingress

#include "git/too_busy.h"

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace paastech::git {
namespace {

void put_number(std::string& out, std::uint32_t number) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(number >> shift));
}

void put_text(std::string& out, std::string_view text) {
  put_number(out, static_cast<std::uint32_t>(text.size()));
  out += text;
}

}  // namespace

void refuse_politely(int socket, std::string_view why) {
  std::string payload(1, '\x01');  // SSH_MSG_DISCONNECT
  put_number(payload, 12);         // SSH_DISCONNECT_TOO_MANY_CONNECTIONS
  put_text(payload, why);
  put_text(payload, "en");
  // The binary packet before keys are agreed on: length, padding length, payload, padding to a multiple of 8, at
  // least 4.
  const std::size_t padding = 4 + (8 - (5 + payload.size() + 4) % 8) % 8;
  std::string packet = "SSH-2.0-PaaSTech\r\n";
  put_number(packet, static_cast<std::uint32_t>(1 + payload.size() + padding));
  packet.push_back(static_cast<char>(padding));
  packet += payload;
  packet.append(padding, '\0');
  [[maybe_unused]] const auto sent = ::send(socket, packet.data(), packet.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  ::shutdown(socket, SHUT_WR);
}

}  // namespace paastech::git

#pragma once
// The refusal of a connection without spending a thread or a key exchange on it.
#include <string_view>

namespace paastech::git {

// Sends our identification and SSH_MSG_DISCONNECT (RFC 4253 sections 4.2 and 11.1), which ssh shows with its text.
// Never blocks; what does not fit the socket's buffer is lost.
void refuse_politely(int socket, std::string_view why);

}  // namespace paastech::git

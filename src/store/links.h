#pragma once
// Table links: single-use links that were mailed (or handed over by an administrator), found by the hash of their
// secret. Called inside Database::write or read.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "store/database.h"

namespace paastech::store {

inline constexpr std::string_view kConfirmEmail = "confirm_email";
inline constexpr std::string_view kResetPassword = "reset_password";
inline constexpr std::string_view kChangeEmail = "change_email";

struct LinkRow {
  std::string hash;  // hex SHA-256
  std::string client_id;
  std::string purpose;
  std::string email;  // the address that it proves
  std::int64_t created_at = 0;
  std::int64_t expires_at = 0;
};
// Older ones of the same Client and purpose go, so that the newest mail is the one that counts. kNotFound: no such
// Client.
Status insert_link(Tx& tx, const LinkRow& row);
// kNotFound alike where it never was, was used or replaced, or is over. find leaves it, take uses it up.
Result<LinkRow> find_link(Tx& tx, const std::string& hash, std::int64_t now);
Result<LinkRow> take_link(Tx& tx, const std::string& hash, std::int64_t now);
Status delete_links(Tx& tx, const std::string& client_id);
Status delete_expired_links(Tx& tx, std::int64_t now);

}  // namespace paastech::store

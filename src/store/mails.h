#pragma once
// Table mails: what is still to be sent. The body is sealed, for it holds links that open accounts. Called inside
// Database::write or read.
#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "store/database.h"

namespace paastech::store {

struct MailRow {
  std::string id;
  std::string body;  // sealed with context "mail/<id>"
  int attempts = 0;
  std::string error = {};  // of the last attempt
  std::int64_t next_at = 0;
  std::int64_t created_at = 0;
};
Status insert_mail(Tx& tx, const MailRow& row);
Result<std::optional<MailRow>> next_mail(Tx& tx);  // the one that is due first, whenever that is
// Notes a failed attempt; nothing where the mail is gone.
Status postpone_mail(Tx& tx, const std::string& id, std::int64_t next_at, const std::string& error);
Status delete_mail(Tx& tx, const std::string& id);
Result<std::int64_t> count_mails(Tx& tx);

}  // namespace paastech::store

#pragma once
// Table idempotency: the answers to creations that bore an Idempotency-Key, for 24 hours. Called inside Database::write
// or read.
#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "store/database.h"

namespace paastech::store {

struct IdempotencyRow {
  std::string client_id;
  std::string key;
  std::string fingerprint;  // of the request, hex SHA-256, sealed with context "fingerprint/<client id>/<key>"
  int status = 0;           // 0: at work, or cut off by the Service's end
  std::string body = {};    // sealed with context "idempotency/<client id>/<key>"
  std::int64_t created_at = 0;
};

Result<std::optional<IdempotencyRow>> find_answer(Tx& tx, const std::string& client_id, const std::string& key);
Result<std::int64_t> count_answers(Tx& tx, const std::string& client_id);
Status insert_answer(Tx& tx, const IdempotencyRow& row);  // kAlreadyExists; kNotFound where the Client is gone
// Sets status and body; fine where the row is gone, with its Client.
Status complete_answer(Tx& tx, const IdempotencyRow& row);
Status delete_answer(Tx& tx, const std::string& client_id, const std::string& key);
Status delete_answers_before(Tx& tx, std::int64_t created_at);

}  // namespace paastech::store

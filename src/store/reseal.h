#pragma once
// Seals every sealed value anew with the newest key, beside a running Service: page by page, each in a small
// transaction of its own, each value only where it is still the one that was read. May be killed anywhere and begun
// again. Thread: any but a loop; it blocks until it is done.
#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "store/database.h"

namespace paastech::store {

struct Resealed {
  std::map<std::string, std::int64_t> values;  // "environment" → how many
  int passes = 0;                              // the last one found nothing more
  std::set<std::string> broken;                // contexts of values that no key opens; they are left as they are
};
// kAborted where others go on to write with an older key; kUnavailable where the database is away for a minute.
Result<Resealed> reseal_all(Database& database, const SecretBox& secrets);

}  // namespace paastech::store

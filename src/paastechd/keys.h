#pragma once
// The keys of sealed values, as the daemon and `paastechd keys` use them. Thread: the caller's, at start or in a
// program of its own; the calls block.
#include "base/result.h"
#include "base/secret.h"
#include "paastechd/config.h"
#include "store/database.h"

namespace paastech {

// At start: the box of <home>/secret.key, which is made where the database is new. kFailedPrecondition where the file
// is missing, readable by others, damaged, or not the one that the database was written with.
Result<SecretBox> open_secrets(const Config& config, store::Database& database);

// `paastechd keys rotate`, also beside a running Service: adds a key, seals every value anew with it, and drops keys
// that nothing uses any more. One that was cut off is gone on with. Prints what it did.
Status rotate_keys(const Config& config);
// `paastechd keys list`: ids, dates, how many values use each; never a key.
Status list_keys(const Config& config);

}  // namespace paastech

#pragma once
// Table build_usage: the time that builds took, of a Client and a month. Called inside Database::write or read.
#include <cstdint>
#include <string>

#include "base/result.h"
#include "store/database.h"

namespace paastech::store {

// month: domain/quota.h, month_of(). Fine where the Client is gone.
Status add_build_time(Tx& tx, const std::string& client_id, const std::string& month, std::int64_t milliseconds);
Result<std::int64_t> build_time(Tx& tx, const std::string& client_id, const std::string& month);  // milliseconds

}  // namespace paastech::store

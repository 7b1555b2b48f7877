#pragma once
// What the SQL layer throws, to what the Service says. SOCI puts the bound values into what(): they are secrets at
// times, so only the database's own message is taken, and of PostgreSQL's none about a value. Thread: any.
#include <string>
#include <string_view>

#include "base/result.h"

namespace soci {
class soci_error;
}

namespace paastech::store {

// kUnavailable: locked, away, or the disk fails; kResourceExhausted: the disk is full; kInternal: everything else.
Error error_of(const soci::soci_error& error, const std::string& path);

enum class Broken { kNone, kUnique, kForeignKey, kOther };
struct Constraint {
  Broken kind = Broken::kNone;  // kNone: not a constraint's error
  std::string column = {};      // "clients.email", of kUnique; of several columns the first
};
Constraint broken_constraint(const soci::soci_error& error);

}  // namespace paastech::store

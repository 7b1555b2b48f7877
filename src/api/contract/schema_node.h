#pragma once
// Of schema.cc and schema_check.cc alone: one compiled schema.
#include <re2/re2.h>

#include <boost/json.hpp>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace paastech::api {

enum class Format { kNone, kUuid, kDateTime, kEmail, kUri, kInt32, kInt64 };

enum TypeBit : unsigned {
  kObject = 1,
  kArray = 2,
  kString = 4,
  kInteger = 8,
  kNumber = 16,
  kBoolean = 32,
  kNull = 64,
};

struct Range {
  std::size_t min = 0;
  std::size_t max = std::numeric_limits<std::size_t>::max();
};

struct SchemaNode {
  using Ptr = std::shared_ptr<const SchemaNode>;
  unsigned types = 0;  // TypeBits; 0: any
  std::optional<boost::json::value> constant = {};
  std::vector<boost::json::value> choices = {};
  Range length = {};
  Range count_of_items = {};
  Range count_of_properties = {};
  bool unique_items = false;
  std::optional<double> minimum = {};
  std::optional<double> maximum = {};
  std::unique_ptr<RE2> pattern = {};
  std::string rule = {};
  Format format = Format::kNone;
  Ptr items = {};
  Ptr names = {};
  Ptr additional = {};
  bool closed = false;  // additionalProperties: false
  std::map<std::string, Ptr, std::less<>> properties = {};
  std::vector<std::string> required = {};
  std::vector<Ptr> one_of = {};
};

}  // namespace paastech::api

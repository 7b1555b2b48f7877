#pragma once
// The router's last table on disk, so that a restarted router serves before api is back: the whole table in one file,
// and beside it, under the same name with `.changes`, the changes since, one behind the other. Each is written before
// it is acknowledged. Thread: one at a time.
// A change on disk is its length and the CRC-32 (ISO-HDLC, zlib's) of its bytes, 4 bytes little-endian each, and its
// bytes, a RouteTable in protobuf's encoding.
#include <filesystem>
#include <vector>

#include "base/result.h"
#include "router.pb.h"

namespace paastech::ingress {

class TableFile {
 public:
  // An empty path keeps nothing.
  explicit TableFile(std::filesystem::path path);
  // The whole table first, then each change that follows on the one before; a torn end is left out. Nothing where
  // nothing was kept. kInternal: the table cannot be understood.
  Result<std::vector<router::v1::RouteTable>> load();
  // Whether one more change may be added: until the changes are longer than the table, but 64 KiB in any case.
  bool takes_change() const;
  Status write(const router::v1::RouteTable& table);  // whole, or a change where it takes one

 private:
  const std::filesystem::path path_;
  const std::filesystem::path changes_path_;
  bool whole_needed_ = true;  // nothing that a change could follow on is known to be there
  std::size_t table_bytes_ = 0;
  std::size_t changes_bytes_ = 0;
};

}  // namespace paastech::ingress

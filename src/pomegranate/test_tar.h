#pragma once
// Makes small ustar archives for tests.
#include <fmt/format.h>
#include <string>

namespace paastech::pomegranate {

class TestTar {
 public:
  TestTar& file(const std::string& path, const std::string& content) { return entry(path, content, '0', ""); }
  TestTar& link(const std::string& path, const std::string& target) { return entry(path, "", '2', target); }
  std::string end() const { return bytes_ + std::string(1024, '\0'); }

 private:
  TestTar& entry(const std::string& path, const std::string& content, char type, const std::string& target) {
    std::string header(512, '\0');
    header.replace(0, path.size(), path);
    header.replace(100, 7, "0000644");
    header.replace(108, 7, "0000000");
    header.replace(116, 7, "0000000");
    header.replace(124, 11, fmt::format("{:011o}", content.size()));
    header.replace(136, 11, "00000000000");
    header.replace(148, 8, "        ");
    header[156] = type;
    header.replace(157, target.size(), target);
    header.replace(257, 5, "ustar");
    header.replace(263, 2, "00");
    unsigned sum = 0;
    for (const char c : header) sum += static_cast<unsigned char>(c);
    header.replace(148, 7, fmt::format("{:06o}", sum) + '\0');
    bytes_ += header + content + std::string((512 - content.size() % 512) % 512, '\0');
    return *this;
  }
  std::string bytes_ = {};
};

}  // namespace paastech::pomegranate

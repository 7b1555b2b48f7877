#pragma once
// What `paastech.yaml` says: how a tree is built and what of it runs. Pure values; build/manifest.h parses the text.
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace paastech {

struct Process {
  std::vector<std::string> command = {};  // empty: the image's own
  int port = 0;                           // 0: the single EXPOSE of the image, else 80
  std::string health = {};                // an HTTP path, or empty: ready when the port accepts
  int ready_timeout_s = 60;               // 1-600
};

struct Manifest {
  std::string dockerfile = "Dockerfile";  // relative to the repository's root, inside the context
  std::string context = ".";
  std::map<std::string, Process> processes = {{"web", {}}};
};

}  // namespace paastech

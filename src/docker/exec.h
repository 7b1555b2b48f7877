#pragma once
// Commands run inside a running container. Threads and errors: client.h.
// The Engine has no call that ends such a command: it outlives the connection that started it.
#include <cstdint>

#include "docker/client.h"

namespace paastech::docker {

// The id. kAborted: the container does not run.
net::Task<Result<std::string>> create_exec(ClientPtr client, std::string container, std::vector<std::string> command);
// Starts it and answers with what it prints, framed as LogParser (logs.h) reads it but without times, to its end. What
// cannot be started says why in its output.
net::Task<Result<std::unique_ptr<net::HttpExchange>>> open_exec(ClientPtr client, std::string id);
struct ExecState {
  bool running = false;
  int exit_code = 0;
  std::int64_t process = 0;  // as the Engine's machine counts processes; 0: not known
};
net::Task<Result<ExecState>> inspect_exec(ClientPtr client, std::string id);

}  // namespace paastech::docker

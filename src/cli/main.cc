#include "cli/run.h"
#include "cli/terminal.h"

int main(int argc, char** argv) {
  paastech::cli::Io io = paastech::cli::process_io();
  return paastech::cli::run(argc, argv, io);
}

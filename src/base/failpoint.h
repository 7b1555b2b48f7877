#pragma once
// Named places at which a test may end the process as kill -9 does. Only the program that the fault tests run
// (paastechd_faults) has what acts on them; in paastechd each is a look at a null pointer.
extern "C" __attribute__((weak)) void paastech_failpoint(const char* name);

#define PAASTECH_FAILPOINT(name)                      \
  do {                                                \
    if (paastech_failpoint) paastech_failpoint(name); \
  } while (false)

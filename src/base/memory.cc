#include "base/memory.h"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

namespace paastech {

void give_back_freed_memory() { ::malloc_trim(0); }

void give_back_code() {
  const auto drop = [](dl_phdr_info* library, std::size_t, void*) {
    const std::uintptr_t page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    for (int i = 0; i < library->dlpi_phnum; ++i) {
      const ElfW(Phdr)& part = library->dlpi_phdr[i];
      if (part.p_type != PT_LOAD || (part.p_flags & PF_X) == 0 || (part.p_flags & PF_W) != 0) continue;
      const std::uintptr_t begin = (library->dlpi_addr + part.p_vaddr + page - 1) & ~(page - 1);
      const std::uintptr_t end = (library->dlpi_addr + part.p_vaddr + part.p_memsz) & ~(page - 1);
      // NOLINTNEXTLINE(performance-no-int-to-ptr): the linker says addresses as numbers
      if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
    }
    return 0;
  };
  ::dl_iterate_phdr(drop, nullptr);
}

}  // namespace paastech

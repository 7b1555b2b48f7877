#pragma once
// Memory that is the process's and that it needs no more. Thread: any; a few milliseconds at most.
namespace paastech {

// Gives pages of freed memory back to the kernel (malloc_trim(3)), which glibc keeps for itself otherwise: after a
// start, or after work on all Projects at once.
void give_back_freed_memory();

// Lets the kernel drop the program's code and that of its libraries from this process (madvise(2), MADV_DONTNEED on
// mappings that are executable and thus never written). What is run again comes back from the page cache, 64 KiB at a
// time; most of it ran once, at the start.
void give_back_code();

}  // namespace paastech

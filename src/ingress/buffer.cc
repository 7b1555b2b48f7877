#include "ingress/buffer.h"

#include <bit>

namespace paastech::ingress {

BufferPool::~BufferPool() {
  for (std::vector<char*>& list : free_)
    for (char* memory : list) delete[] memory;
}

char* BufferPool::take(std::size_t at_least, std::size_t& capacity) {
  for (std::size_t i = 0; i < kClasses.size(); ++i) {
    if (kClasses[i] < at_least) continue;
    capacity = kClasses[i];
    in_use_ += capacity;
    if (free_[i].empty()) return new char[capacity];
    char* memory = free_[i].back();
    free_[i].pop_back();
    kept_ -= capacity;
    return memory;
  }
  capacity = std::bit_ceil(at_least);
  in_use_ += capacity;
  return new char[capacity];
}

void BufferPool::give(char* memory, std::size_t capacity) {
  in_use_ -= capacity;
  for (std::size_t i = 0; i < kClasses.size() && kept_ + capacity <= kKeep; ++i) {
    if (kClasses[i] != capacity) continue;
    free_[i].push_back(memory);
    kept_ += capacity;
    return;
  }
  delete[] memory;
}

void Buffer::release() {
  if (data_ != nullptr) pool_.give(data_, capacity_);
  data_ = nullptr;
  capacity_ = begin_ = end_ = 0;
}

void Buffer::grow(std::size_t n) {
  const std::size_t held = end_ - begin_;
  if (capacity_ >= held + n && begin_ >= capacity_ / 2) {
    std::memmove(data_, data_ + begin_, held);
  } else {
    std::size_t capacity = 0;
    char* memory = pool_.take(held + n, capacity);
    if (held > 0) std::memcpy(memory, data_ + begin_, held);
    if (data_ != nullptr) pool_.give(data_, capacity_);
    data_ = memory;
    capacity_ = capacity;
  }
  begin_ = 0;
  end_ = held;
}

}  // namespace paastech::ingress

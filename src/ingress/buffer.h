#pragma once
// Byte buffers of one loop. Owner: the connection that holds one; the memory comes from the loop's pool and goes back
// as soon as the connection has nothing to keep, so that an idle or slow connection costs bytes, not kilobytes. Thread:
// the loop's. Failures: std::bad_alloc only.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace paastech::ingress {

class BufferPool {
 public:
  BufferPool() = default;
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;
  char* take(std::size_t at_least, std::size_t& capacity);
  void give(char* memory, std::size_t capacity);
  std::size_t in_use() const { return in_use_; }  // bytes held by buffers now

 private:
  // 1 KiB holds most request heads being typed by a slow client; 64 KiB the largest head with room to read on.
  static constexpr std::array<std::size_t, 5> kClasses = {1024, 2048, 4096, 16384, 65536};
  static constexpr std::size_t kKeep = std::size_t{2} << 20;  // bytes kept free for reuse, per loop
  std::array<std::vector<char*>, kClasses.size()> free_;
  std::size_t kept_ = 0;
  std::size_t in_use_ = 0;
};

class Buffer {
 public:
  explicit Buffer(BufferPool& pool) : pool_(pool) {}
  ~Buffer() { release(); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  std::string_view view() const { return {data_ + begin_, end_ - begin_}; }
  std::size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }
  std::size_t room() const { return capacity_ - end_; }
  // Space for n more bytes; commit says how many were written. Views taken before are void.
  char* prepare(std::size_t n) {
    if (capacity_ - end_ < n) grow(n);
    return data_ + end_;
  }
  void commit(std::size_t n) { end_ += n; }
  void append(std::string_view text) {
    if (text.empty()) return;
    std::memcpy(prepare(text.size()), text.data(), text.size());
    end_ += text.size();
  }
  void consume(std::size_t n) {
    begin_ += n;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  void clear() { begin_ = end_ = 0; }
  void release();  // clear, and the memory back to the pool

 private:
  void grow(std::size_t n);
  BufferPool& pool_;
  char* data_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace paastech::ingress

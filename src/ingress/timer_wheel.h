#pragma once
// Deadlines of one loop's connections, all operations O(1): a hashed wheel (Varghese & Lauck 1987, scheme 6) whose
// nodes sit in the connections themselves. Moving a deadline later only stores it; the node is moved when its slot
// comes up. Thread: the loop's. Failures: none.
#include <array>
#include <cstdint>

namespace paastech::ingress {

struct TimerNode {
  TimerNode* previous = nullptr;
  TimerNode* next = nullptr;
  std::int64_t deadline = 0;  // milliseconds of the loop's monotonic clock; 0: none
  std::int64_t slot_tick = 0;
};

class TimerWheel {
 public:
  static constexpr std::int64_t kTickMs = 100;  // resolution: every limit here is seconds
  static constexpr std::int64_t kSlots = 1024;  // 102 s ahead; later deadlines go round again

  explicit TimerWheel(std::int64_t now_ms);
  void set(TimerNode& node, std::int64_t deadline);
  void remove(TimerNode& node);
  bool empty() const { return count_ == 0; }
  // Calls fire(node) for each node whose deadline is past; it may set and remove any node.
  template <class Fire>
  void advance(std::int64_t now_ms, Fire fire) {
    const std::int64_t now_tick = now_ms / kTickMs;
    while (tick_ < now_tick) {
      ++tick_;
      TimerNode due;
      take_slot(due);
      while (due.next != &due) {
        TimerNode& node = *due.next;
        const std::int64_t deadline = node.deadline;
        remove(node);
        if (deadline <= now_ms)
          fire(node);
        else
          set(node, deadline);
      }
    }
  }

 private:
  void take_slot(TimerNode& head);  // moves the present slot's list to `head`
  void link(TimerNode& node);
  std::array<TimerNode, kSlots> slots_;
  std::int64_t tick_;
  std::int64_t count_ = 0;
};

}  // namespace paastech::ingress

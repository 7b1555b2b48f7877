#include "ingress/timer_wheel.h"

#include <algorithm>

namespace paastech::ingress {

TimerWheel::TimerWheel(std::int64_t now_ms) : tick_(now_ms / kTickMs) {
  for (TimerNode& slot : slots_) slot.previous = slot.next = &slot;
}

void TimerWheel::set(TimerNode& node, std::int64_t deadline) {
  node.deadline = deadline;
  const std::int64_t due = (deadline + kTickMs - 1) / kTickMs;
  if (node.next != nullptr) {
    if (node.slot_tick <= due) return;
    remove(node);
    node.deadline = deadline;
  }
  node.slot_tick = std::clamp(due, tick_ + 1, tick_ + kSlots - 1);
  link(node);
}

void TimerWheel::link(TimerNode& node) {
  TimerNode& slot = slots_[static_cast<std::size_t>(node.slot_tick % kSlots)];
  node.previous = slot.previous;
  node.next = &slot;
  slot.previous->next = &node;
  slot.previous = &node;
  ++count_;
}

void TimerWheel::remove(TimerNode& node) {
  node.deadline = 0;
  if (node.next == nullptr) return;
  node.previous->next = node.next;
  node.next->previous = node.previous;
  node.previous = node.next = nullptr;
  --count_;
}

void TimerWheel::take_slot(TimerNode& head) {
  TimerNode& slot = slots_[static_cast<std::size_t>(tick_ % kSlots)];
  if (slot.next == &slot) {
    head.previous = head.next = &head;
    return;
  }
  head.next = slot.next;
  head.previous = slot.previous;
  head.next->previous = &head;
  head.previous->next = &head;
  slot.previous = slot.next = &slot;
}

}  // namespace paastech::ingress

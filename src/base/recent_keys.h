#pragma once
// A value for each key, of the `most` keys that were used last: whoever makes keys up makes others be forgotten, and no
// memory grow. Thread: one.
#include <cstddef>
#include <list>
#include <string>
#include <unordered_map>

namespace paastech {

template <class Value>
class RecentKeys {
 public:
  explicit RecentKeys(std::size_t most) : most_(most) {}
  // Made where there is none.
  Value& use(const std::string& key) {
    auto found = entries_.find(key);
    if (found != entries_.end()) {
      order_.splice(order_.end(), order_, found->second.place);
      return found->second.value;
    }
    if (entries_.size() >= most_) {
      entries_.erase(order_.front());
      order_.pop_front();
    }
    order_.push_back(key);
    return entries_.emplace(key, Entry{Value(), std::prev(order_.end())}).first->second.value;
  }
  // null where there is none; no use of it.
  Value* find(const std::string& key) {
    const auto found = entries_.find(key);
    return found == entries_.end() ? nullptr : &found->second.value;
  }
  const Value* find(const std::string& key) const {
    const auto found = entries_.find(key);
    return found == entries_.end() ? nullptr : &found->second.value;
  }
  void erase(const std::string& key) {
    const auto found = entries_.find(key);
    if (found == entries_.end()) return;
    order_.erase(found->second.place);
    entries_.erase(found);
  }
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    Value value;
    std::list<std::string>::iterator place;
  };
  std::size_t most_;
  std::unordered_map<std::string, Entry> entries_;
  std::list<std::string> order_;  // least recently used first
};

}  // namespace paastech

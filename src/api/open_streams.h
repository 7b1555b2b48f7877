#pragma once
// The event streams that are open, by who reads them: for who loses what let them read. Thread: the control-plane loop.
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "api/events.h"

namespace paastech::api {

class OpenStreams {
 public:
  // One stream's place among them, for as long as it is open. Outlived by the OpenStreams.
  class Place {
   public:
    Place(OpenStreams& streams, std::string client, std::shared_ptr<EventSource> source);
    ~Place();
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    bool take_asked() { return std::exchange(asked_, false); }  // ask_again() was called since the last time

   private:
    friend class OpenStreams;
    std::shared_ptr<EventSource> source_;
    bool asked_ = false;
    std::multimap<std::string, Place*>& all_;
    std::multimap<std::string, Place*>::iterator here_;
  };
  // After a change that takes access from the Client of that id: its streams ask at once whether they may go on,
  // instead of the next time that they would.
  void ask_again(const std::string& client);

 private:
  std::multimap<std::string, Place*> by_client_;
};

}  // namespace paastech::api

#pragma once
// The headers of what works with the contracts' messages, compiled once. The generated code of their calls is in
// calls.h: an empty file that has it takes 2 s to compile, for it makes a dozen templates of every method.
#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <deque>
#include <set>
#include <thread>

#include "gateway.pb.h"
#include "net/pch/pch.h"
#include "pomegranate.pb.h"
#include "repositories.pb.h"
#include "router.pb.h"

#pragma once
// The headers of what calls or answers gRPC, compiled once: Asio's, the contracts', and those of the database.
#include <grpcpp/grpcpp.h>
#include <soci/soci.h>

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <deque>
#include <set>
#include <thread>

#include "gateway.grpc.pb.h"
#include "net/pch/pch.h"
#include "pomegranate.grpc.pb.h"
#include "repositories.grpc.pb.h"
#include "router.grpc.pb.h"

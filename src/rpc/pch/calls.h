#pragma once
// The headers of what calls or answers gRPC, compiled once.
#include <grpcpp/grpcpp.h>

#include "gateway.grpc.pb.h"
#include "pomegranate.grpc.pb.h"
#include "repositories.grpc.pb.h"
#include "router.grpc.pb.h"
#include "rpc/pch/messages.h"

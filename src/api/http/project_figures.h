#pragma once
// The figures of Applications for /metrics, as prometheus-cpp writes them. Of those that run, or ran within the last
// hour, and of at most kMostProjects of them, so that the number of series is bounded. Pure.
#include <prometheus/metric_family.h>

#include <map>
#include <string>
#include <vector>

#include "metrics/ledger.h"

namespace paastech::api {

inline constexpr std::size_t kMostProjects =
    1000;  // about 40 series each: what Prometheus takes in one scrape with ease

using Labels = std::vector<prometheus::ClientMetric::Label>;
prometheus::MetricFamily family(std::string name, std::string help, prometheus::MetricType type);
void add(prometheus::MetricFamily& family, Labels labels, double value);

// The uuids of the first kMostProjects.
std::vector<std::string> projects_of(const metrics::Ledger& ledger);
// names: by uuid; a Project that is not there is left out.
std::vector<prometheus::MetricFamily> project_families(const metrics::Ledger& ledger,
                                                       const std::map<std::string, std::string>& names);

}  // namespace paastech::api

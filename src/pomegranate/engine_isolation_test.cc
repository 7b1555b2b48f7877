// What nothing that runs in the Engine may do; each with a positive control where the protection is off.
#include <boost/asio/ip/tcp.hpp>

#include "pomegranate/contract_support.h"

namespace paastech::pomegranate {
namespace {

using EngineIsolation = Contract;

// Accepts on every address of the host; the kernel completes connections without anyone taking them.
struct HostService {
  boost::asio::io_context loop;
  boost::asio::ip::tcp::acceptor acceptor{loop, {boost::asio::ip::tcp::v4(), 0}};
  std::string port() { return std::to_string(acceptor.local_endpoint().port()); }
};

// An address of the host for as long as the test runs.
struct HostAddress {
  explicit HostAddress(std::string text) : cidr(std::move(text) + "/32") {
    EXPECT_EQ(run_program({"ip", "address", "add", cidr, "dev", "lo"})->exit_code, 0);
  }
  ~HostAddress() { (void)run_program({"ip", "address", "del", cidr, "dev", "lo"}); }
  HostAddress(const HostAddress&) = delete;
  HostAddress& operator=(const HostAddress&) = delete;
  std::string cidr;
};

const std::string kGateway =
    "my $g; open F, q{/proc/net/route}; while (<F>) { my @f = split; $g = join q{.}, reverse map { hex } $f[2] =~ "
    "/../g "
    "if $f[1] eq q{00000000} } $ARGV[0] = $g; ";

TEST_F(EngineIsolation, AnInstanceHasNoPowersMountsOrPorts) {
  const std::string id = project();
  built(id, "LABEL traefik.enable=true paastech.project=evil caddy=evil.example paastech.instance=evil\n");
  const v1::GroupEvent event = ensure(group(id));
  ASSERT_TRUE(event.has_ready()) << event.failed().message();
  const std::string container = event.ready().instances(0).id();
  const auto answer = run(client_->call("GET", "/containers/" + container + "/json"));
  ASSERT_TRUE(answer);
  for (const char* part : {"\"Mounts\":[]", "\"Binds\":null", "\"CapDrop\":[\"ALL\"]", "\"no-new-privileges\"",
                           "\"Privileged\":false", "\"PortBindings\":null", "\"PidsLimit\":512", "\"Type\":\"local\"",
                           "\"Memory\":536870912", "\"MemorySwap\":536870912", "\"NanoCpus\":1000000000"})
    EXPECT_NE(answer->body.find(part), std::string::npos) << part;
  EXPECT_EQ(answer->body.find("docker.sock\""), std::string::npos);
  const auto details = run(docker::inspect_container(client_, container));
  EXPECT_EQ(details->labels.at("traefik.enable"), "");
  EXPECT_EQ(details->labels.at("caddy"), "");
  EXPECT_EQ(details->labels.at("paastech.project"), id);
  EXPECT_EQ(details->labels.at("paastech.instance"), options_.instance);
  const Ran look = run_once(id, {"sh", "-c",
                                 "ls -A /run /var/run | grep -c docker; grep CapEff /proc/self/status; grep NoNewPrivs "
                                 "/proc/self/status; ulimit -n"});
  EXPECT_NE(look.output.find("00000000000004fb"), std::string::npos) << look.output;  // exactly the kept ones
  EXPECT_NE(look.output.find("NoNewPrivs:\t1"), std::string::npos) << look.output;
  EXPECT_TRUE(look.output.starts_with("0\n")) << look.output;
}

TEST_F(EngineIsolation, AForeignContainerWithOurLabelsIsNotListed) {
  const std::string id = project();
  built(id);
  docker::ContainerSpec spec;
  spec.name = options_.instance + "-innocent";
  spec.image = image_reference(id, 1);
  spec.network = "none";
  spec.memory_bytes = 64 << 20;
  spec.nano_cpus = 1'000'000'000;
  spec.processes = 10;
  spec.open_files = 100;
  spec.labels = instance_labels(options_.instance, {id, 1, "web", 0}, 80);
  const auto made = run(docker::create_container(client_, spec));
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_TRUE(list(id).empty());
  EXPECT_TRUE(run(docker::remove_container(client_, *made)));
}

TEST_F(EngineIsolation, AForkBombIsBoundedInAnInstanceAndInABuild) {
  const std::string id = project();
  built(id);
  const std::string bomb =
      "sleep 1; my $n = 0; while ($n < 500) { my $p = fork; last unless defined $p; if (!$p) { sleep 5; exit } $n++ } "
      "print \"forked $n\\n\";";
  const auto forked = [](const std::string& text) {
    const std::size_t at = text.find("forked ");
    return at == std::string::npos ? -1 : std::stoi(text.substr(at + 7));
  };
  v1::Limits limits;
  limits.set_processes(60);
  const int in_instance = forked(run_once(id, {"perl", "-e", bomb}, limits).output);
  EXPECT_GT(in_instance, 10);
  EXPECT_LT(in_instance, 60);
  v1::BuildSpec spec = build_spec(id, 2);
  spec.mutable_limits()->set_processes(60);
  EXPECT_TRUE(build(spec, "FROM debian:bookworm\nRUN perl -e '" + bomb + "'\nCMD x\n").ok());
  const int in_build = forked(build_lines_.substr(build_lines_.find("Running in")));
  EXPECT_GT(in_build, 10);
  EXPECT_LT(in_build, 60);
  v1::Limits wide;
  wide.set_processes(1000);
  EXPECT_EQ(forked(run_once(id, {"perl", "-e", bomb}, wide).output), 500);  // the control
}

TEST_F(EngineIsolation, TheHostIsClosedToInstancesAndBuilds) {
  HostService service;
  const std::string id = project();
  const std::string link_local =
      fmt::format("169.254.{}.{}", 100 + std::stoul(options_.instance.substr(1, 2), nullptr, 16) % 100,
                  1 + std::stoul(options_.instance.substr(3, 2), nullptr, 16) % 250);
  const HostAddress address(link_local);
  built(id);
  const std::string dockerfile = "FROM debian:bookworm\nRUN perl -e '" + kGateway + "$ARGV[1] = " + service.port() +
                                 "; " + kConnect + "'\nCMD x\n";
  const auto ask = [&](const std::string& how, const std::string& host) {
    return run_once(id, {"perl", "-e", how + kConnect, host, service.port()}).output;
  };
  EXPECT_EQ(ask(kGateway, "x"), "closed\n");
  EXPECT_EQ(ask("", link_local), "closed\n");
  const v1::BuildResult closed = build(build_spec(id, 2), dockerfile);
  ASSERT_TRUE(closed.ok()) << closed.message() << build_lines_;
  EXPECT_NE(build_lines_.find("\nclosed\n"), std::string::npos) << build_lines_;
  // The ingress's own connections still pass.
  EXPECT_TRUE(ensure(group(id)).has_ready());
  // The control: the same without the rules.
  for (const char* end : {"-IN", "-FW"})
    ASSERT_EQ(run_program({"iptables", "-w", "10", "-F", "PT-" + options_.instance + end})->exit_code, 0);
  EXPECT_EQ(ask(kGateway, "x"), "open\n");
  EXPECT_EQ(ask("", link_local), "open\n");
  ASSERT_TRUE(build(build_spec(id, 3), dockerfile).ok());
  EXPECT_NE(build_lines_.find("\nopen\n"), std::string::npos) << build_lines_;
}

// Docker's own reader may find another Project's image or a service of the host where our reader of Dockerfiles saw
// something else; these did. The image's name is refused before the Engine hears of it.
TEST_F(EngineIsolation, ABuildOnAnotherProjectsImageIsRefused) {
  const std::string victim = project();
  built(victim);
  const auto image = run(docker::inspect_image(client_, image_reference(victim, 1)));
  ASSERT_TRUE(image);
  const std::string id = image->id.substr(7);
  const std::string attacker = project();
  for (const std::string& from : {image_reference(victim, 1), "\u00a0" + image_reference(victim, 1), id,
                                  id.substr(0, 6), "$1" + image_reference(victim, 1), image->id})
    EXPECT_EQ(build(build_spec(attacker), "FROM " + from + "\nCMD x\n").reason(), "invalid_dockerfile") << from;
  EXPECT_TRUE(build(build_spec(victim, 2), "FROM " + image_reference(victim, 1) + "\n").ok());  // the control
}

TEST_F(EngineIsolation, TriggersOfABaseImageAreHeldToTheSameRules) {
  HostService service;
  const std::string id = project();
  built(id);
  const std::string url = "http://127.0.0.1:" + service.port() + "/x";
  docker::ContainerSpec spec;
  spec.name = options_.instance + "-base";
  spec.image = "debian:bookworm";
  spec.network = "none";
  spec.memory_bytes = 64 << 20;
  spec.nano_cpus = 1'000'000'000;
  spec.processes = 10;
  spec.open_files = 100;
  const auto made = run(docker::create_container(client_, spec));
  ASSERT_TRUE(made) << made.error().message;
  const std::string base = "pt-test/" + options_.instance;
  const auto commit = [&](const std::string& tag, const std::string& change) {
    const docker::Query query{{"container", *made}, {"repo", base}, {"tag", tag}, {"changes", change}};
    EXPECT_TRUE(run(client_->call("POST", "/commit" + docker::query_string(query))));
  };
  commit("evil", "ONBUILD ADD " + url + " /x");
  commit("thief", "ONBUILD COPY --from=" + image_reference(project(), 1) + " / /stolen");
  commit("good", "ONBUILD RUN echo triggered");
  for (const char* tag : {":evil", ":thief"}) {
    const v1::BuildResult refused = build(build_spec(id, 2), "FROM debian:bookworm\nFROM " + base + tag + "\nCMD x\n");
    EXPECT_EQ(refused.reason(), "invalid_dockerfile");
    EXPECT_TRUE(refused.message().starts_with("Dockerfile line 2: the image " + base + tag + ": it has the trigger"))
        << refused.message();
  }
  service.acceptor.non_blocking(true);
  boost::system::error_code error;
  service.acceptor.accept(error);
  EXPECT_EQ(error, boost::asio::error::would_block);                              // nobody came
  EXPECT_TRUE(build(build_spec(id, 3), "FROM " + base + ":good\nCMD x\n").ok());  // the control
  EXPECT_NE(build_lines_.find("\ntriggered\n"), std::string::npos) << build_lines_;
  EXPECT_TRUE(run(docker::remove_container(client_, *made)));
  for (const char* tag : {":evil", ":thief", ":good"}) EXPECT_TRUE(run(docker::remove_image(client_, base + tag)));
}

TEST_F(EngineIsolation, ABaseImageThatCannotBeFetchedIsClear) {
  const v1::BuildResult result = build(build_spec(project()), "FROM registry.invalid/no/such:1\nCMD x\n");
  EXPECT_EQ(result.reason(), "build_failed");
  EXPECT_NE(result.message().find("registry cannot be reached"), std::string::npos) << result.message();
}

TEST_F(EngineIsolation, AnImageThatSwellsEveryListIsRefusedAndRemoved) {
  const std::string id = project();
  const v1::BuildResult result = build(build_spec(id), "FROM debian:bookworm\nEXPOSE 1-5000\nCMD x\n");
  EXPECT_EQ(result.reason(), "invalid_dockerfile");
  EXPECT_NE(result.message().find("ports"), std::string::npos) << result.message();
  EXPECT_FALSE(run(docker::inspect_image(client_, image_reference(id, 1))));
}

TEST_F(EngineIsolation, AnotherProjectsInstanceCannotBeReachedByAddressOrName) {
  const std::string victim = project();
  const std::string attacker = project();
  built(victim);
  built(attacker);
  const v1::GroupEvent event = ensure(group(victim));
  ASSERT_TRUE(event.has_ready()) << event.failed().message();
  const v1::Instance instance = event.ready().instances(0);
  const std::string name = container_name(options_.instance, {victim, 1, "web", 0});
  for (const std::string& host : {instance.address(), name}) {
    EXPECT_EQ(run_once(attacker, {"perl", "-e", kConnect, host, "8080"}).output, "closed\n") << host;
    EXPECT_EQ(run_once(victim, {"perl", "-e", kConnect, host, "8080"}).output, "open\n") << host;
  }
}

}  // namespace
}  // namespace paastech::pomegranate

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
                                 "/proc/self/status"});
  EXPECT_NE(look.output.find("00000000000004fb"), std::string::npos) << look.output;  // exactly the kept ones
  EXPECT_NE(look.output.find("NoNewPrivs:\t1"), std::string::npos) << look.output;
  EXPECT_TRUE(look.output.starts_with("0\n")) << look.output;
}

TEST_F(EngineIsolation, OpenFilesAreAsManyAsTheLimitSays) {
  const std::string id = project();
  built(id);
  const std::vector<std::string> ask{"sh", "-c", "ulimit -Sn; ulimit -Hn"};
  const std::string usual = std::to_string(effective({}, 0).open_files);
  EXPECT_EQ(run_once(id, ask).output, usual + "\n" + usual + "\n");
  v1::Limits limits;
  limits.set_open_files(300);
  EXPECT_EQ(run_once(id, ask, limits).output, "300\n300\n");
  v1::BuildSpec spec = build_spec(id, 2);
  *spec.mutable_limits() = limits;
  ASSERT_TRUE(build(spec, "FROM debian:bookworm\nRUN echo files $(ulimit -Sn) $(ulimit -Hn)\nCMD x\n").ok());
  EXPECT_NE(build_lines_.find("\nfiles 300 300\n"), std::string::npos) << build_lines_;
  v1::InstanceGroup limited = group(id);
  *limited.mutable_limits() = limits;
  ASSERT_TRUE(ensure(limited).has_ready());
  const auto answer = run(client_->call("GET", "/containers/" + list(id)[0].id() + "/json"));
  ASSERT_TRUE(answer);
  EXPECT_NE(answer->body.find(R"("Ulimits":[{"Name":"nofile","Hard":300,"Soft":300}])"), std::string::npos)
      << answer->body;
}

// Threat 2: a descriptor of the host that the runtime left open is a way to the host's files, as working folder
// (CVE-2024-21626) or as a path. The same path inside the image has another text, which the same words do read.
class EngineDescriptors : public Contract {
 protected:
  void SetUp() override {
    Contract::SetUp();
    if (!engine_) return;
    path_ = "/tmp/pt-canary-" + options_.instance;
    ASSERT_TRUE(write_file(path_, "text of the host\n"));
    ASSERT_EQ(run_program({"sh", "-c", "exec 7< /sys/fs/cgroup; cd -P /proc/self/fd/7; " + climb()})->output,
              "text of the host\n");  // the control: what the words do where a descriptor of the host is open
  }
  void TearDown() override {
    std::filesystem::remove(path_);
    Contract::TearDown();
  }
  std::string climb() const { return "cat ../../../../../../../../../.." + path_; }
  // Through each descriptor of the process itself and of the container's first one.
  std::string search() const {
    return "for n in $(seq 3 20); do for p in self 1; do for up in . ../../../../../../../../../..; do "
           "cat /proc/$p/fd/$n/$up" +
           path_ + "; done; done; done; cat /proc/self/cwd/../../../../../../.." + path_;
  }
  std::string files() const { return "RUN echo text of the image > " + path_ + "\n"; }
  static bool leaked(const std::string& output) { return output.find("text of the host") != std::string::npos; }
  static bool controlled(const std::string& output) { return output.find("text of the image\n") != std::string::npos; }
  std::string path_;
};

TEST_F(EngineDescriptors, AsWorkingFolderLeadNowhere) {
  const std::string id = project();
  const std::string inside = "FROM debian:bookworm\n" + files() + "WORKDIR /srv/deep/down\n";
  ASSERT_TRUE(build(build_spec(id), inside + "RUN " + climb() + "\nCMD x\n").ok()) << build_lines_;
  EXPECT_TRUE(controlled(build_lines_)) << build_lines_;
  EXPECT_EQ(run_once(id, {"sh", "-c", climb()}).output, "text of the image\n");
  for (int n = 3; n <= 20; ++n) {
    const std::string folder = "WORKDIR /proc/self/fd/" + std::to_string(n) + "\n";
    ASSERT_TRUE(run(docker::remove_image(client_, image_reference(id, 1))));
    ASSERT_TRUE(build(build_spec(id), "FROM debian:bookworm\n" + folder + "CMD x\n").ok()) << build_lines_;
    const Ran ran = run_once(id, {"sh", "-c", climb()});
    EXPECT_FALSE(leaked(ran.output)) << n;
    EXPECT_TRUE(!ran.status || ran.exit_code != 0) << n << ran.output;
    const v1::BuildResult step =
        build(build_spec(id, 2), "FROM " + image_reference(id, 1) + "\nRUN " + climb() + "\nCMD x\n");
    EXPECT_FALSE(leaked(build_lines_ + step.message())) << n;
    EXPECT_FALSE(step.ok()) << n << build_lines_;
  }
}

TEST_F(EngineDescriptors, AsPathsLeadNowhere) {
  const std::string id = project();
  ASSERT_TRUE(build(build_spec(id), "FROM debian:bookworm\n" + files() + "RUN " + search() + "\nCMD x\n").ok());
  EXPECT_FALSE(leaked(build_lines_)) << build_lines_;
  EXPECT_TRUE(controlled(build_lines_)) << build_lines_;
  const Ran ran = run_once(id, {"sh", "-c", search()});
  EXPECT_FALSE(leaked(ran.output)) << ran.output;
  EXPECT_TRUE(controlled(ran.output)) << ran.output;
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
  const std::string dockerfile = "FROM debian:bookworm\nRUN echo gateway $(perl -e '" + kGateway +
                                 "$ARGV[1] = " + service.port() + "; " + kConnect +
                                 "')\nRUN echo link-local $(perl -e '" + kConnect + "' " + link_local + " " +
                                 service.port() + ")\nCMD x\n";
  const auto ask = [&](const std::string& how, const std::string& host) {
    return run_once(id, {"perl", "-e", how + kConnect, host, service.port()}).output;
  };
  EXPECT_EQ(ask(kGateway, "x"), "closed\n");
  EXPECT_EQ(ask("", link_local), "closed\n");
  const v1::BuildResult closed = build(build_spec(id, 2), dockerfile);
  ASSERT_TRUE(closed.ok()) << closed.message() << build_lines_;
  for (const char* line : {"\ngateway closed\n", "\nlink-local closed\n"})
    EXPECT_NE(build_lines_.find(line), std::string::npos) << line << build_lines_;
  // The ingress's own connections still pass.
  EXPECT_TRUE(ensure(group(id)).has_ready());
  // The control: the same without the rules.
  for (const char* end : {"-IN", "-FW"})
    ASSERT_EQ(run_program({"iptables", "-w", "10", "-F", "PT-" + options_.instance + end})->exit_code, 0);
  EXPECT_EQ(ask(kGateway, "x"), "open\n");
  EXPECT_EQ(ask("", link_local), "open\n");
  ASSERT_TRUE(build(build_spec(id, 3), dockerfile).ok());
  for (const char* line : {"\ngateway open\n", "\nlink-local open\n"})
    EXPECT_NE(build_lines_.find(line), std::string::npos) << line << build_lines_;
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
  options_.registries = {"*"};
  make_engine(true);
  const v1::BuildResult result = build(build_spec(project()), "FROM registry.invalid/no/such:1\nCMD x\n");
  EXPECT_EQ(result.reason(), "build_failed");
  EXPECT_NE(result.message().find("registry cannot be reached: the name registry.invalid leads nowhere"),
            std::string::npos)
      << result.message();
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

#include "paastechd/config.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "base/files.h"
#include "base/ids.h"
#include "paastechd/mail.h"

namespace paastech {
namespace {

struct ConfigTest : testing::Test {
  std::filesystem::path folder = std::filesystem::temp_directory_path() / ("paastech-config-" + new_uuid());
  std::map<std::string, std::string> variables;
  void SetUp() override {
    std::filesystem::create_directories(folder);
    variables["PAASTECH_HOME"] = folder.string();
  }
  void TearDown() override { std::filesystem::remove_all(folder); }
  Result<Config> load(const std::string& toml) {
    std::ofstream(folder / "paastech.toml") << toml;
    return load_config({}, [this](const char* name) {
      const auto found = variables.find(name);
      return found == variables.end() ? nullptr : found->second.c_str();
    });
  }
};

TEST_F(ConfigTest, EnvironmentOverrulesTheFileAndTheFileTheDefaults) {
  variables["PAASTECH_API_PORT"] = "9100";
  const auto config = load("[api]\nport = 9000\n[git]\nport = 9022\n");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->api_port, 9100);
  EXPECT_EQ(config->ssh_port, 9022);
  EXPECT_EQ(config->http_port, 8080);
}

TEST_F(ConfigTest, LimitsRequestsUnlessTheFileSaysOtherwise) {
  const auto config = load("[api]\nreads_per_minute = 0\nchanges_per_minute = 7\n");
  ASSERT_TRUE(config) << config.error().message;
  const std::string shown = describe(*config);
  for (const char* line :
       {"api.reads_per_minute = 0\n", "api.changes_per_minute = 7\n", "api.anonymous_per_minute = 3000\n"})
    EXPECT_NE(shown.find(line), std::string::npos) << shown;
}

TEST_F(ConfigTest, NamesFileLineAndKeyOfAMistake) {
  const struct {
    const char* toml;
    const char* expected;
  } rows[] = {
      {"[api]\n\nprot = 1\n", "line 3: `api.prot` is not a known key"},
      {"[api]\nport = \"8000\"\n", "line 2: `api.port` must be a whole number"},
      {"[git]\nport = 70000\n", "line 2: `git.port` must be a whole number from 0 to 65535"},
      {"[service]\nfqdn = 7\n", "line 2: `service.fqdn` must be a text"},
      {"[api\nport = 1\n", "line 1"},
      {"[a.b]\nc = 1\n", "line 1: `a.b` is not a known section"},
      {"[service]\n\nfqdn = \"PaaS\"\n", "line 3: `service.fqdn` `PaaS` is not"},
      {"[service]\nscheme = \"ftp\"\n", "line 2: `service.scheme` `ftp` is not"},
      {"[log]\nlevel = \"loud\"\n", "line 2: `log.level` `loud` is not"},
      {"[engine]\ninstance = \"A B\"\n", "line 2: `engine.instance` `A B` is not"},
      {"[engine]\nsubnet_pool = \"10.0.0.0\"\n", "line 2: `engine.subnet_pool`"},
      {"[engine]\nregistries = \"registry.lan, https://reg.lan\"\n",
       "line 2: `engine.registries` `https://reg.lan` is not a registry"},
      {"[git]\nport = 8080\n", "line 2: `git.port` must differ"},
      {"[api]\nchanges_per_minute = -1\n", "line 2: `api.changes_per_minute` must be a whole number from 0"},
      {"[api]\ntrusted_proxy = \"proxy.example.org\"\n", "line 2: `api.trusted_proxy`"},
      {"[accounts]\nadministrators_need_second_factor = \"true\"\n",
       "line 2: `accounts.administrators_need_second_factor` must be true or false"},
      {"[accounts]\nsign_up = \"yes\"\n", "line 2: `accounts.sign_up` `yes` is not"},
      {"[mail]\nhost = \"mail.example.org\"\n", "line 2: `mail.host` there is a mail server but no sender"},
      {"[mail]\nhost = \"mail.example.org\"\nfrom = \"a@example.org\"\nsecurity = \"none\"\n", "line 2: `mail.host`"},
      {"[mail]\nport = 0\n", "line 2: `mail.port` must be a whole number from 1"},
      {"[roles]\nrouter = \"10.0.0.2\"\n", "line 2: `roles.router` `10.0.0.2` is not an address"},
      {"[roles]\ngit = \"h:0\"\n", "line 2: `roles.git` `h:0` is not an address"},
      {"[roles]\ngit = \":7000\"\n", "line 2: `roles.git` `:7000` is not an address"},
      {"[roles]\ngit = \"unix:/tmp/x:1\"\n", "line 2: `roles.git` `unix:/tmp/x:1` is not an address"},
      {"[roles]\napi = \"h:1\"\ngit = \"h:1\"\n", "line 2: `roles.api` must differ"},
      {"[roles]\nlisten_address = \"every\"\n", "line 2: `roles.listen_address` `every` is not an IP address"},
  };
  for (const auto& row : rows) {
    const auto config = load(row.toml);
    ASSERT_FALSE(config) << row.toml;
    EXPECT_NE(config.error().message.find(row.expected), std::string::npos) << config.error().message;
    EXPECT_NE(config.error().message.find("paastech.toml"), std::string::npos) << config.error().message;
  }
}

TEST_F(ConfigTest, TheMailServersPasswordIsReadFromItsFileWhereOthersCannot) {
  const auto without = load("");
  ASSERT_TRUE(without);
  EXPECT_EQ(without->sign_up, "invite");
  EXPECT_FALSE(open_mail(*without)->has_value());
  const auto config = load(
      "[mail]\nhost = \"mail.example.org\"\nfrom = \"PaaS <a@example.org>\"\nusername = \"paas\"\n"
      "password_file = \"mail-password\"\n[service]\nfqdn = \"paas.example.org\"\n");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_FALSE(open_mail(*config)) << "there is no such file yet";
  ASSERT_TRUE(write_file(folder / "mail-password", "canary\n", 0644));
  EXPECT_EQ(open_mail(*config).error().code, Code::kFailedPrecondition);
  ASSERT_TRUE(write_file(folder / "mail-password", "canary\n", 0600));
  const auto smtp = open_mail(*config);
  ASSERT_TRUE(smtp) << smtp.error().message;
  EXPECT_EQ((*smtp)->password, "canary");
  EXPECT_EQ((*smtp)->port, 587);
  EXPECT_EQ((*smtp)->service, "paas.example.org");
  EXPECT_EQ(describe(*config).find("canary"), std::string::npos);
}

TEST_F(ConfigTest, TakesAddressesOfRoles) {
  const auto config =
      load("[roles]\napi = \"api.example.org:7000\"\ngit = \"10.0.0.2:7001\"\nrouter = \"[fd00::2]:7002\"\n");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->role_api, "api.example.org:7000");
  EXPECT_EQ(config->role_pomegranate, "");
  EXPECT_EQ(config->role_router, "[fd00::2]:7002");
  EXPECT_EQ(config->roles_listen_address, "127.0.0.1");
}

TEST_F(ConfigTest, RefusesABadPortVariableAndEqualPorts) {
  variables["PAASTECH_SSH_PORT"] = "22x";
  EXPECT_FALSE(load(""));
  variables["PAASTECH_SSH_PORT"] = "8000";
  const auto config = load("");
  ASSERT_FALSE(config);
  EXPECT_NE(config.error().message.find("must differ"), std::string::npos);
  EXPECT_NE(config.error().message.find("PAASTECH_SSH_PORT"), std::string::npos) << config.error().message;
}

TEST_F(ConfigTest, TheDatabaseIsAFileInTheHomeOrWhatTheUrlSays) {
  EXPECT_EQ(load("")->database_url, "sqlite:" + (folder / "paastech.db").string());
  EXPECT_EQ(load("[database]\nurl = \"sqlite:data/p.db\"\n")->database_url,
            "sqlite:" + (folder / "data/p.db").string());
  EXPECT_EQ(load("[database]\nurl = \"sqlite:/srv/p.db\"\n")->database_url, "sqlite:/srv/p.db");
  variables["PAASTECH_DATABASE_URL"] = "postgresql://ann:canary@db/paas";
  const auto config = load("[database]\nurl = \"sqlite:data/p.db\"\n");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->database_url, "postgresql://ann:canary@db/paas");
  EXPECT_NE(describe(*config).find("database.url = postgresql://ann@db/paas\n"), std::string::npos);
  EXPECT_EQ(describe(*config).find("canary"), std::string::npos);
}

TEST_F(ConfigTest, AMistakeInTheDatabasesUrlIsNamedByItsPlaceOnly) {
  const auto config = load("[database]\n\nurl = \"postgresql://ann:canary%zz@db/paas\"\n");
  ASSERT_FALSE(config);
  EXPECT_NE(config.error().message.find("line 3: `database.url`"), std::string::npos) << config.error().message;
  EXPECT_EQ(config.error().message.find("canary"), std::string::npos);
}

TEST_F(ConfigTest, AFileOutsideTheHomeThatHoldsAPasswordIsRefusedWhereOthersMayReadIt) {
  variables["PAASTECH_HOME"] = (folder / "home").string();
  const auto load_file = [this](const std::filesystem::path& file, const std::string& url, unsigned mode) {
    EXPECT_TRUE(write_file(file, "[database]\nurl = \"" + url + "\"\n", mode));
    return load_config(file, [this](const char* name) {
      const auto found = variables.find(name);
      return found == variables.end() ? nullptr : found->second.c_str();
    });
  };
  const std::string with = "postgresql://ann:canary@db/paas";
  const std::filesystem::path outside = folder / "paas.toml";
  for (const unsigned mode : {0644U, 0640U, 0604U}) {
    const auto refused = load_file(outside, with, mode);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::kFailedPrecondition);
    EXPECT_EQ(refused.error().message,
              "other users may read " + outside.string() + ", and its `database.url` holds a password");
    EXPECT_TRUE(refused.error().hint.starts_with("run: chmod 600 " + outside.string())) << refused.error().hint;
  }
  EXPECT_TRUE(load_file(outside, with, 0600));
  EXPECT_TRUE(load_file(outside, "postgresql://ann@db/paas", 0644)) << "nothing in it is secret";
  std::filesystem::create_directory(folder / "home");
  EXPECT_TRUE(load_file(folder / "home" / "paas.toml", with, 0644)) << "the home is its owner's alone";
  variables["PAASTECH_DATABASE_URL"] = "sqlite:p.db";
  EXPECT_FALSE(load_file(outside, with, 0644)) << "the password is there whether it is used or not";
}

TEST_F(ConfigTest, GivesEachHomeAnInstanceNameOfItsOwn) {
  const auto first = load("");
  variables["PAASTECH_HOME"] = (folder / "other").string();
  const auto second = load_config({}, [this](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
  ASSERT_TRUE(first && second);
  EXPECT_NE(first->instance, second->instance);
}

}  // namespace
}  // namespace paastech

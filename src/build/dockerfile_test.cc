#include "build/dockerfile.h"

#include <gtest/gtest.h>

#include <string>

namespace paastech::build {
namespace {

std::string message_of(const std::string& text) {
  const Status status = check_dockerfile_text(text);
  if (status) return "passed";
  EXPECT_EQ(status.error().code, Code::kInvalidArgument);
  EXPECT_FALSE(status.error().hint.empty()) << status.error().message;
  return status.error().message;
}

bool passes(const std::string& text) {
  const Status status = check_dockerfile_text(text);
  if (!status) ADD_FAILURE() << text << "\n" << status.error().message;
  return status.has_value();
}

TEST(Dockerfile, PassesPlainOnes) {
  EXPECT_TRUE(passes("FROM debian:bookworm\nRUN apt-get update && apt-get install -y nginx\nCMD [\"nginx\"]\n"));
  EXPECT_TRUE(passes("\xef\xbb\xbf# a comment\r\nARG BASE=debian\r\nFROM ${BASE} AS one\r\n\r\nfrom one\r\n"));
  EXPECT_TRUE(passes("FROM golang AS build\nRUN go build -o /a .\nFROM scratch\nCOPY --from=build /a /a\n"));
  EXPECT_TRUE(passes("FROM a\nADD --chown=1:1 x y\nHEALTHCHECK --interval=5s CMD true\nONBUILD RUN make\n"));
  EXPECT_TRUE(passes("FROM a\nRUN --network=none make\nRUN --network=default make\n"));
  EXPECT_TRUE(passes("FROM a\nRUN curl --network=host --mount=x --security=y\n"));  // not flags of RUN
  EXPECT_TRUE(passes("FROM a\nRUN -- --network=host\n"));
  EXPECT_TRUE(passes("FROM a\n# RUN --network=host\nRUN echo a \\\n  # RUN --network=host\n\n  b\n"));
}

TEST(Dockerfile, RefusesASyntaxDirectiveInEveryForm) {
  for (const std::string line :
       {"# syntax=docker/dockerfile:1", "#syntax=evil/frontend", "# SYNTAX = x", "#\tSyntax\t=\tx", "  # syntax=x",
        "\xef\xbb\xbf# syntax=x", "// syntax=x", "#\u00a0syntax=x"})
    EXPECT_NE(message_of(line + "\nFROM a\n").find("Dockerfile line 1: `# syntax=`"), std::string::npos) << line;
  EXPECT_NE(message_of("# escape=`\n# syntax=x\nFROM a\n").find("line 2: `# syntax=`"), std::string::npos);
  EXPECT_NE(message_of("# check=skip=all\n# syntax=x\nFROM a\n").find("line 2: `# syntax=`"), std::string::npos);
  EXPECT_NE(message_of("#!/usr/bin/env x\n# syntax=x\nFROM a\n").find("line 2: `# syntax=`"), std::string::npos);
}

TEST(Dockerfile, ACommentThatMerelyNamesSyntaxPasses) {
  EXPECT_TRUE(passes("# my image\n# syntax=docker/dockerfile:1\nFROM a\n"));
  EXPECT_TRUE(passes("\n# syntax=docker/dockerfile:1\nFROM a\n"));
  EXPECT_TRUE(passes("FROM a\n# syntax=docker/dockerfile:1\n"));
  EXPECT_TRUE(passes("# the syntax of this = simple\nFROM a\n"));
}

TEST(Dockerfile, RefusesTheHostsNetworkAndMoreRights) {
  EXPECT_NE(message_of("FROM a\nRUN --network=host make").find("line 2: RUN --network"), std::string::npos);
  EXPECT_NE(message_of("FROM a\nrun --network=${N} make").find("RUN --network"), std::string::npos);
  EXPECT_NE(message_of("FROM a\nRUN --network=none --network=host make").find("RUN --network"), std::string::npos);
  EXPECT_NE(message_of("FROM a\nRUN --network=none\xa0--network=host make").find("line 2: "), std::string::npos);
  EXPECT_NE(message_of("FROM a\nRUN --security=insecure make").find("RUN --security"), std::string::npos);
  EXPECT_NE(message_of("FROM a\nONBUILD RUN --security=insecure make").find("RUN --security"), std::string::npos);
  EXPECT_NE(message_of("FROM a\nRUN --device=x make").find("does not know"), std::string::npos);
}

TEST(Dockerfile, RefusesWhatNeedsBuildKit) {
  for (const std::string mount :
       {"type=secret,id=x", "type=ssh", "type=bind,from=host,target=/x", "type=cache,target=/c"})
    EXPECT_NE(message_of("FROM a\nRUN --mount=" + mount + " make").find("RUN --mount needs BuildKit"),
              std::string::npos);
  EXPECT_NE(message_of("FROM a\nRUN <<EOF\nRUN --network=host x\nEOF\n").find("line 2: a here-document"),
            std::string::npos);
  EXPECT_NE(message_of("FROM a\nRUN cat <<-'E' >/f\nx\nE\n").find("here-document"), std::string::npos);
  EXPECT_NE(message_of("FROM a\nCOPY <<x /f\ny\nx\n").find("here-document"), std::string::npos);
  EXPECT_TRUE(passes("FROM a\nRUN cat <<< word\nRUN echo $((1 << 2)) $((1<<n))\n"));
  EXPECT_TRUE(passes("FROM a\nRUN [\"sh\", \"-c\", \"cat <<EOF\"]\nRUN echo 'a <<EOF'\nENV A <<EOF\n"));
}

TEST(Dockerfile, FlagsCannotHideBehindContinuationsQuotesOrSpaces) {
  for (const std::string run :
       {"RUN \\\n  --network=host x", "RU\\\nN --network=host x", "RUN --net\\\nwork=host x",
        "RUN \\  \n# comment\n\n --network=host x", "RUN --net\"work\"=host x", "RUN --'network'=host x",
        "RUN --netw\\ork=host x", "RUN\t--network=host x", "RUN\u00a0--network=host x", "\u00a0RUN --network=host x",
        "RUN \xa0--network=host x", "RUN \u2003--network=host x", "RUN\v--network=host x",
        "RUN \\\r\n --network=host x", "ONBUILD \\\n RUN --network=host x", "RUN echo \\\\\nRUN --network=host x",
        "RUN echo \\\v\nRUN --network=host x"})
    EXPECT_NE(message_of("FROM a\n" + run + "\n"), "passed") << run;
}

TEST(Dockerfile, TheEscapeDirectiveDecidesWhatContinues) {
  EXPECT_NE(message_of("# escape=`\nFROM a\nRUN `\n --network=host x\n"), "passed");
  EXPECT_NE(message_of("# escape=`\nFROM a\nRUN dir c:\\\nRUN --network=host x\n").find("line 4"), std::string::npos);
  EXPECT_TRUE(passes("# escape=`\nFROM a\nRUN echo `\nRUN --network=host x\n"));
  EXPECT_NE(message_of("FROM a\nRUN echo `\nRUN --network=host x\n").find("line 3"), std::string::npos);
  EXPECT_NE(message_of("# escape=x\nFROM a\n").find("line 1: `# escape=`"), std::string::npos);
  EXPECT_NE(message_of("# other=x\n# escape=`\nFROM a\n").find("line 2: `# escape=`"), std::string::npos);
  EXPECT_NE(message_of(" # escape=`\nFROM a\n").find("line 1: `# escape=`"), std::string::npos);
}

TEST(Dockerfile, TheEngineFetchesNothingForABuild) {
  for (const std::string add :
       {"ADD http://169.254.169.254/x /x", "ADD --chown=1:1 https://a.example/x /x", "add a ftp://b/c /x",
        "ADD [\"http://a/x\", \"/x\"]", "ADD [\"\\u0068ttp://a/x\",\"/x\"]", "ADD ht\"tp:\"//a/x /x",
        "ADD http:\\/\\/a/x /x", "ADD h$U /x", "ADD $U /x", "ADD [\"$U\",\"/x\"]", "ADD a ${U} /x", "ADD \"$U\" /x",
        "ONBUILD ADD http://a/x /x", "ADD \\\n  http://a/x /x", "ADD git://a.example/x /x"})
    EXPECT_NE(message_of("FROM a\nENV U=ttp://169.254.169.254/x\n" + add + "\n").find("line 3: "), std::string::npos)
        << add;
  EXPECT_TRUE(passes("FROM a\nADD x[0-9].tar ./$U /a/$U $W\nADD [\"a b\", \"/x\"]\nCOPY $U /x\n"));
  EXPECT_TRUE(passes("FROM a\nRUN curl http://a/x\nLABEL url=http://a/x\n"));
}

TEST(Dockerfile, FlagsOfFromCopyAndAddAreWrittenPlainly) {
  for (const std::string line : {"FROM --platform=\"a b\" c", "COPY --chown=\"1 2\" --from=x / /",
                                 "ADD --ch\\own=1 a b", "COPY \"--from=x\" / /"})
    EXPECT_NE(message_of("FROM a\n" + line + "\n").find("has quotes or escapes"), std::string::npos) << line;
}

TEST(Dockerfile, VariablesCannotFillTheEnginesMemory) {
  const auto repeated = [](const std::string& line, int times) {
    std::string out = "FROM a\nENV A=aaaaaaaa\n";
    for (int i = 0; i < times; ++i) out += line + "\n";
    return out;
  };
  for (const std::string line : {"ENV A=$A$A", "ENV A=${A}${A}", "ENV A $A$A", "ARG A=$A$A", "ENV $N=$M$M M=$A",
                                 "ENV A=${A:-$A}$A", "ENV \"A\"=$A$A", "ONBUILD ENV A=$A$A"})
    EXPECT_NE(message_of(repeated(line, 30)).find("too large once its variables"), std::string::npos) << line;
  EXPECT_NE(message_of("FROM a\nENV A=${A//a/bbbbbbbbb}\n").find("line 2: ${NAME/"), std::string::npos);
  EXPECT_NE(message_of(repeated("LABEL x=" + std::string(4000, 'x'), 100)).find("too large"), std::string::npos);
  EXPECT_TRUE(passes(repeated("ENV PATH=$PATH:/opt/x/bin:$HOME/bin B=$A", 10)));
  EXPECT_TRUE(passes(repeated("ENV PATH /opt/bin:$PATH\nRUN echo $A$A$A", 50)));
}

TEST(Dockerfile, StepsAreCounted) {
  std::string text = "FROM a\n";
  for (int i = 0; i < 499; ++i) text += "ENV A=1\n";
  EXPECT_TRUE(passes(text));
  EXPECT_NE(message_of(text + "CMD x\n").find("line 501: there are more than 500 instructions"), std::string::npos);
}

TEST(Dockerfile, SaysWhatIsMissing) {
  EXPECT_EQ(message_of(""), "the Dockerfile is empty");
  EXPECT_EQ(message_of("# nothing\n \n"), "the Dockerfile is empty");
  EXPECT_EQ(message_of("ARG A=1\n"), "the Dockerfile has no FROM instruction");
  EXPECT_NE(message_of("ARG A=1\nRUN make\nFROM a\n").find("line 2: an instruction stands before the first FROM"),
            std::string::npos);
  EXPECT_NE(message_of("{\"syntax\": \"x\"}"), "passed");
}

}  // namespace
}  // namespace paastech::build

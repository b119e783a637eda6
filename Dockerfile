# docker build --output=. .
#
# puts the lua/ folder of the archive here: the scripts, and httpbasic.so for this machine's processor.
# The tests run packages/docker in a clean Debian 12 on x86-64. This file itself was not run by Docker.
FROM debian:12 AS build
COPY . /source
RUN /source/packages/docker /made

FROM scratch
COPY --from=build /made /

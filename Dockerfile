# docker build --output=. .
#
# leaves the archive's lua/ folder here: httpbasic.so, for this machine's processor, beside the scripts.
# Tests run packages/docker in a clean Debian 12 on x86-64; this file itself has not been run by Docker.
FROM debian:12 AS build
COPY . /source
RUN /source/packages/docker /made

FROM scratch
COPY --from=build /made /

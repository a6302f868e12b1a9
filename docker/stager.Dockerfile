# The stager image: a stack's root file system and the static binaries; gzip packs droplets on all cores, and app-supervisor is for
# `launch`, which puts it into apps' containers, and does not run here. `docker run -i --rm stager` reads a
# TaskDefinition on stdin. docker/build builds it, by the engine's classic builder or BuildKit, and adds the labels that
# change. Few instructions: each costs the classic builder one to two seconds.
ARG ROOTFS=stager-rootfs:cflinuxfs4
FROM ${ROOTFS}

# Root's, so that a buildpack, which runs as vcap, cannot replace them. All that the agent writes lies below /tmp,
# open to every user, and in the cache when it runs as root.
USER root
COPY stager-agent host-cli app-supervisor gzip /usr/local/bin/
RUN mkdir -p /var/cache/stager && chmod 0711 /var/cache/stager && chmod 1777 /tmp

LABEL stager.kind=stager \
      org.opencontainers.image.title=stager \
      org.opencontainers.image.description="Stages one Cloud Foundry app from the request that Diego got" \
      org.opencontainers.image.licenses=Apache-2.0

WORKDIR /home/vcap
ENTRYPOINT ["/usr/local/bin/stager-agent"]

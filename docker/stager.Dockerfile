# The stager image: a stack's root file system and the two static binaries. `docker run -i --rm stager` reads a
# TaskDefinition on stdin. docker/build builds it; the engine's classic builder and BuildKit both can.
ARG ROOTFS=stager-rootfs:cflinuxfs4
FROM ${ROOTFS}

# Root's, so that a buildpack, which runs as vcap, cannot replace them. All that the agent writes lies below /tmp,
# open to every user, and in the cache when it runs as root.
USER root
COPY --chown=root:root stager-agent host-cli /usr/local/bin/
RUN chmod 0755 /usr/local/bin/stager-agent /usr/local/bin/host-cli \
 && chmod 1777 /tmp \
 && mkdir -p /var/cache/stager \
 && chmod 0711 /var/cache/stager

ARG VERSION=unknown
ARG REVISION=unknown
ARG STACK=cflinuxfs4
LABEL stager.kind=stager \
      stager.stack=${STACK} \
      org.opencontainers.image.title=stager \
      org.opencontainers.image.description="Stages one Cloud Foundry app from the request that Diego got" \
      org.opencontainers.image.licenses=Apache-2.0 \
      org.opencontainers.image.version=${VERSION} \
      org.opencontainers.image.revision=${REVISION}

WORKDIR /home/vcap
ENTRYPOINT ["/usr/local/bin/stager-agent"]
CMD []

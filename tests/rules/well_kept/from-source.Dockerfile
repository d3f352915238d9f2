# In the manner of the official images: one long RUN that leaves nothing behind, and checks what it fetches.
FROM debian:trixie-slim

ENV TOOL_VERSION=1.4.2
ENV TOOL_SHA256=9c5c9b3ee3a8b6b8f5a7a0d2b2d0a1e9f3b4c5d6e7f8091a2b3c4d5e6f708192

RUN set -eux; \
	groupadd --system --gid 999 tool; \
	useradd --system --gid tool --uid 999 --home-dir /var/lib/tool --create-home tool

RUN set -eux; \
	savedAptMark="$(apt-mark showmanual)"; \
	apt-get update; \
	apt-get install -y --no-install-recommends \
		ca-certificates \
		gcc \
		libc6-dev \
		make \
		wget \
	; \
	rm -rf /var/lib/apt/lists/*; \
	\
	wget -O tool.tar.gz "https://tool.example.org/releases/tool-$TOOL_VERSION.tar.gz"; \
	echo "$TOOL_SHA256 *tool.tar.gz" | sha256sum -c -; \
	mkdir -p /usr/src/tool; \
	tar -xzf tool.tar.gz -C /usr/src/tool --strip-components=1; \
	rm tool.tar.gz; \
	\
	make -C /usr/src/tool -j "$(nproc)"; \
	make -C /usr/src/tool install; \
	rm -r /usr/src/tool; \
	\
	apt-mark auto '.*' > /dev/null; \
	[ -z "$savedAptMark" ] || apt-mark manual $savedAptMark > /dev/null; \
	find /usr/local -type f -executable -exec ldd '{}' ';' \
		| awk '/=>/ { so = $(NF-1); print so }' \
		| sort -u \
		| xargs -r dpkg-query --search \
		| cut -d: -f1 \
		| sort -u \
		| xargs -r apt-mark manual \
	; \
	apt-get purge -y --auto-remove -o APT::AutoRemove::RecommendsImportant=false; \
	tool --version

VOLUME /var/lib/tool
WORKDIR /var/lib/tool
COPY docker-entrypoint.sh /usr/local/bin/
ENTRYPOINT ["docker-entrypoint.sh"]
USER tool
EXPOSE 6380
CMD ["tool", "--foreground"]

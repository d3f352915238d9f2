# What inside.js does, as far as a shell can: the kept folders as one word, then the folders to write.
kept=$1; shift
for folder in $kept; do
  trouble=
  (echo x >> "$folder/.imageopt-kept") 2>/dev/null || trouble=EACCES
  echo "[\"keeps $folder\", \"$trouble\"]"
done
for folder in "$@"; do
  made=
  [ -d "$folder" ] || { mkdir -p "$folder" 2>/dev/null && made=1; }
  file=$folder/.imageopt-$$
  trouble=
  (: > "$file") 2>/dev/null && rm -f "$file" || trouble=EACCES
  [ -z "$made" ] || rmdir "$folder"
  echo "[\"writes $folder\", \"$trouble\"]"
done

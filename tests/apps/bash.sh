#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# bash: large strings, arrays, subshells, pipes and here documents, with and without the library.

. "$(dirname "$0")/lib.sh"

cat >"$work/script" <<'END'
printf -v text '%*s' 3000000 ''
text=${text// /abc}
echo "${#text} ${text:2999999:6}"
numbers=($(seq 1 100000))
sum=0
for n in "${numbers[@]}"; do sum=$((sum + n)); done
echo "$sum ${#numbers[@]}"
for i in 1 2 3 4 5 6 7 8 9 10; do
	(echo "child $i ${#text}"; exit "$i")
	echo "status $?"
done
copy=$(printf '%s' "$text" | sha256sum)
echo "$copy"
wc -c <<<"$text"
diff <(printf '%s' "$text") <(cat <<<"$text" | tr -d '\n') && echo alike
declare -A words
while read -r n; do words[$n]=$((n * n)); done < <(seq 1 20000)
echo "${words[141]} ${#words[@]}"
END

app() {
	under bash "$work/script" >out
	same out "$work/expected" "what bash printed"
	served bash "$(pool_of_backing)"
}

bash "$work/script" >"$work/expected" || fail "bash fails without the library"
apps_main

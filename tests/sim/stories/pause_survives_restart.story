# Paused, then both machines lose power: on their return nobody holds anything before an operator says resume.
cluster 2 1
run 3000
operator n1 pause
run 500
power-off n1
power-off n2
run 1000
power-on n1
power-on n2
run 6000
expect-holder -
operator n2 resume
run 3000
expect-holder n1
----
[     0] n1 corosync: quorate
[     0] n2 corosync: quorate
[     1] w3 agent starts
[     1] w3 ! g1 gate shut
[    50] n1 agent starts
[    50] n1 ! g1 gate shut
[    50] n1   g1 step announce-stop
[    50] n1 > g1 R320 epoch 0.-: not fit: do not ask (joining)
[    52] n1   g1 step destroy-sockets
[    54] n1   g1 step muzzle-pbx
[   402] n2 agent starts
[   402] n2 ! g1 gate shut
[   402] n2   g1 step announce-stop
[   402] n2 > g1 R320 epoch 0.-: not fit: do not ask (joining)
[   404] n2   g1 step destroy-sockets
[   404] n2 > g1 R110 epoch 0.-: fit and nobody seen to hold: ask when the voters are free
[   404] n1 > g1 R110 epoch 0.-: fit and nobody seen to hold: ask when the voters are free
[   406] n2   g1 step muzzle-pbx
[   406] n1 = record g1 takeover begins: cause vacant, from -, epoch 1.n1
[   406] n1 ! g1 gate open
[   406] n1 > g1 R400 epoch 1.n1: lease won: the gate is open, announce, then wake
[   406] n1   g1 step announce
[   406] n1 > g1 R120 epoch 1.n1: lease held and nothing wrong here: keep holding
[   408] n1   g1 step wake-pbx
[   410] n1   g1 step verify
[   412] n1 = record g1 takeover: cause vacant, from -, epoch 1.n1
[   451] n2 > g1 R111 epoch 1.n2: fit, another node holds the group: stand by, ask when the voters are free
[   508] n1 > g1 R404 epoch 2.n1: epoch raised while holding, so that a voter can follow
[  3000] n1 operator: pause: accepted
[  3001] n1 > g1 R405 epoch 2.n1: an operator's command took effect
[  3001] n1 = record command: done
[  3001] n1 > g1 R220 epoch 2.n1: paused: keep holding, nothing is automatic
[  3001] n2 > g1 R405 epoch 1.n2: an operator's command took effect
[  3001] n2 > g1 R310 epoch 1.n2: paused: ask for nothing
[  3500] n1 loses power
[  3500] n2 loses power
[  4500] n1 has power again
[  4500] n2 has power again
[  5000] n1 agent starts, memory lost
[  5000] n1 ! g1 gate shut
[  5000] n1   g1 step announce-stop
[  5000] n1 > g1 R310 epoch 0.-: paused: ask for nothing
[  5000] n2 agent starts, memory lost
[  5000] n2 ! g1 gate shut
[  5000] n2   g1 step announce-stop
[  5000] n2 > g1 R310 epoch 0.-: paused: ask for nothing
[  5002] n1   g1 step destroy-sockets
[  5002] n2   g1 step destroy-sockets
[  5004] n1   g1 step muzzle-pbx
[  5004] n2   g1 step muzzle-pbx
[ 10500] n2 operator: resume: accepted
[ 10501] n1 > g1 R405 epoch 0.-: an operator's command took effect
[ 10501] n1 > g1 R110 epoch 0.-: fit and nobody seen to hold: ask when the voters are free
[ 10501] n2 > g1 R405 epoch 0.-: an operator's command took effect
[ 10501] n2 = record command: done
[ 10501] n2 > g1 R110 epoch 0.-: fit and nobody seen to hold: ask when the voters are free
[ 10503] n1 = record g1 takeover begins: cause vacant, from -, epoch 1001.n1
[ 10503] n1 ! g1 gate open
[ 10503] n1 > g1 R400 epoch 1001.n1: lease won: the gate is open, announce, then wake
[ 10503] n1   g1 step announce
[ 10503] n1 > g1 R120 epoch 1001.n1: lease held and nothing wrong here: keep holding
[ 10505] n1   g1 step wake-pbx
[ 10507] n1   g1 step verify
[ 10509] n1 = record g1 takeover: cause vacant, from -, epoch 1001.n1
[ 10601] n2 > g1 R111 epoch 0.-: fit, another node holds the group: stand by, ask when the voters are free

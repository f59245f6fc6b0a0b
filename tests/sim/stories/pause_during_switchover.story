# A pause comes while a switchover is on its way: the move that was accepted before it is finished, not left between
# two nodes.
cluster 2 1
run 3000
operator n1 switchover n2
operator n2 pause
run 3000
expect-holder n2
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
[  3000] n1 operator: switchover n2: accepted
[  3000] n2 operator: pause: accepted
[  3001] n1 > g1 R406 epoch 2.n1: an operator's move of the group begins
[  3001] n1 > g1 R210 epoch 2.n1: an operator moves the group and its target is ready: hand over
[  3001] n1 ! g1 gate shut
[  3001] n1 > g1 R402 epoch 2.n1: gate shut, lease released (operator)
[  3001] n1 = record g1 let-go begins: cause operator, to n2, epoch 2.n1
[  3001] n1 > g1 R110 epoch 2.n1: fit and nobody seen to hold: ask when the voters are free
[  3001] n1   g1 step announce-stop
[  3001] n2 > g1 R406 epoch 1.n2: an operator's move of the group begins
[  3001] n2 > g1 R130 epoch 1.n2: an operator moves the group here: ask as soon as the voters are free
[  3001] n1 > g1 R405 epoch 2.n1: an operator's command took effect
[  3001] n2 > g1 R405 epoch 1.n2: an operator's command took effect
[  3001] n2 = record command: done
[  3003] n1   g1 step destroy-sockets
[  3004] n2 = record g1 takeover begins: cause operator, from n1, epoch 3.n2
[  3004] n2 ! g1 gate open
[  3004] n2 > g1 R400 epoch 3.n2: lease won: the gate is open, announce, then wake
[  3004] n2   g1 step announce
[  3004] n2 > g1 R220 epoch 3.n2: paused: keep holding, nothing is automatic
[  3005] n1   g1 step muzzle-pbx
[  3006] n2   g1 step wake-pbx
[  3007] n1 = record g1 let-go: cause operator, to n2, epoch 2.n1
[  3008] n2   g1 step verify
[  3010] n2 = record g1 takeover: cause operator, from n1, epoch 3.n2
[  3010] n2 > g1 R407 epoch 3.n2: an operator's move of the group is done
[  3103] n1 > g1 R407 epoch 2.n1: an operator's move of the group is done
[  3103] n1 = record operation: done
[  3103] n1 > g1 R310 epoch 2.n1: paused: ask for nothing

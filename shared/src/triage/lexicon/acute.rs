//! Heart, lungs, vessels, allergy, and the nervous system.

use super::{Lexeme, Sign, lexeme};

pub(super) static LEXEMES: &[Lexeme] = &[
    lexeme(
        Sign::ChestPain,
        &[
            "胸痛|胸疼|胸口痛|胸口疼|心口痛|心口疼|心绞痛|心前区痛|胸部疼痛|胸骨后痛",
            "胸|胸口|胸部|心口|心前区|胸骨|前胸|左胸|心脏 .. @痛",
            "胸|胸口|胸部|心口|心前区 .. 压榨|压迫感|紧缩|憋痛|像被压|压着|闷痛",
        ],
        &[
            "chest|breastbone|sternum @pain",
            "chest|breastbone|sternum .. @pain|tight*|pressure|squeez*|crush*|discomfort|heav*|burn* !cream",
            "@pain|pressure|tightness|squeezing|discomfort|heaviness ... chest|breastbone|sternum",
            "tight|heavy chest",
            "angina|chestpain",
        ],
    ),
    lexeme(
        Sign::ChestPressure,
        &[
            "胸|胸口|胸部|心口|心前区 .. 压榨|压迫|紧缩|大石头|石头|像被压|压着|喘不过气",
            "压榨性|濒死感",
        ],
        &[
            "crush*|squeez*|pressure|heav*|tight*|elephant ... chest",
            "chest .. crush*|squeez*|pressure|heav*|tight*",
        ],
    ),
    lexeme(
        Sign::Radiation,
        &[
            "放射|扩散|蔓延|窜|牵扯|辐射|传 .. 左臂|手臂|胳膊|左手|肩|后背|背|下巴|下颌|脖子|颈",
            "左臂|左胳膊|左肩|下巴|下颌|左手臂 .. 痛|疼|麻|酸",
        ],
        &[
            "radiat*|spread*|shoot*|travel*|going|goes|moving|moves|down|into|up ... arm|arms|jaw|neck|shoulder|back",
            "arm|jaw .. @pain|numb*|heavy|tingl*",
            "@pain|numbness|tingling ... arm|jaw",
        ],
    ),
    lexeme(
        Sign::Sweating,
        &["冷汗|大汗|出汗|冒汗|汗淋漓|满头汗|浑身汗|盗汗"],
        &["sweat*|clammy|cold_sweat|diaphor*"],
    ),
    lexeme(
        Sign::Breathless,
        &[
            "气短|气促|气急|呼吸困难|呼吸急促|喘|胸闷|憋气|呼吸费力|透不过气|上不来气|喘不上气|喘不过气",
            "呼吸|喘气|吸气 .. 困难|费力|急促|吃力|不畅|不过来|不上来|短促",
        ],
        &[
            "short|shortness .. breath",
            "breathless*|dyspn*|winded|wheez*|puffing|gasp*",
            "trouble|difficult*|hard|struggl*|labored|laboured .. breath|breathe|breathing",
            "breath|breathing|breathe .. difficult*|hard|trouble|laboured|labored|fast|heavy|heavily|rapid*",
            "@cant .. breathe|catch_my_breath|catch_his_breath|catch_her_breath|get_enough_air|get_air",
            "out_of_breath|sob",
            "fast|rapid|quick breathing",
        ],
    ),
    lexeme(
        Sign::SevereBreathless,
        &[
            "@剧 .. 气短|呼吸困难|气促|喘",
            "呼吸困难|气短|喘|憋气 .. @剧|说不出话|不能平卧|坐起|窒息",
            "@不能 .. 呼吸|喘气|吸气",
            "喘不上气|喘不过气|喘不上来气|透不过气|上不来气|呼吸不了|呼吸不上来|不能呼吸|没法呼吸|喘不过来气",
            "喘得|喘到 .. 说不|话都",
            "极度|严重|非常|突然 .. 呼吸困难|气促|憋气",
        ],
        &[
            "@severe|@sudden .. short_of_breath|shortness_of_breath|breathless*|difficulty_breathing|trouble_breathing|breathing_difficulty",
            "@cant .. breathe|get_enough_air|get_any_air",
            "@cant .. catch my|his|her breath",
            "struggl*|fighting|gasp*|battling .. breathe|breath|air",
            "hardly|barely|scarcely breathe|breathing",
            "too breathless",
            "breathless|breathing|breath ... @cant .. speak|talk|finish|sentence*",
            "@cant|too ... speak|talk|finish .. breath|breathless",
        ],
    ),
    lexeme(
        Sign::BlueLips,
        &[
            "嘴唇|口唇|唇|脸|面色|面部|指甲|手指|全身 .. 发紫|青紫|发绀|紫绀|发青|发蓝|变紫|变蓝|紫了",
            "发绀|紫绀",
        ],
        &[
            "lip|lips|face|tongue|fingertips|nails|skin .. blue|bluish|purple|grey|gray",
            "blue|bluish|purple|grey|gray .. lip|lips|face|tongue|fingertips|skin",
            "cyanos*|cyanotic|turn* blue|gone_blue|went_blue",
        ],
    ),
    lexeme(
        Sign::Choking,
        &["噎住|卡住 .. 喘|呼吸|气管", "噎住了|噎着|呛住|窒息|气道异物|气管异物|异物卡喉"],
        &["choking|choked .. on", "is|hes|shes|im|am choking", "choking", "suffocat*|windpipe|airway_blocked"],
    ),
    lexeme(
        Sign::HeartAttack,
        &["心梗|心肌梗死|心肌梗塞|心脏病发作"],
        &["heart_attack|myocardial_infarction"],
    ),
    lexeme(
        Sign::Faint,
        &["晕倒|昏倒|晕厥|昏厥|晕过去|昏过去|失去知觉|失去意识|短暂昏迷|眼前一黑|快晕了|黑矇"],
        &[
            "faint|fainted|fainting|faints|collaps*|passed_out|passing_out|blacked_out|blackout|syncop*|pass_out|keeled_over",
            "lost|loss|losing .. consciousness",
            "knocked|knock .. out|unconscious",
        ],
    ),
    lexeme(
        Sign::CoughBlood,
        &["咳血|咯血|咳出血|痰中带血|痰里带血|痰带血|血痰", "咳 .. 血|鲜血|血丝"],
        &[
            "cough* .. blood|bloody",
            "hemoptysis|haemoptysis",
            "blood .. in|when|with .. phlegm|sputum|mucus|cough*",
            "bloody|blood_stained|pink_frothy phlegm|sputum|mucus",
        ],
    ),
    lexeme(
        Sign::LegSwelling,
        &[
            "左|右|一|单|一侧|单侧 .. 腿|小腿|下肢|腿肚子 .. 肿|肿胀|肿痛|红肿",
            "小腿|腿肚子 .. 肿|肿痛|胀痛|红肿|又肿又痛",
            "深静脉血栓|下肢血栓|静脉血栓|肺栓塞",
        ],
        &[
            "calf|one_leg|left_leg|right_leg|leg .. swollen|swelling|swelled|swells",
            "swollen|swelling ... calf|one_leg|left_leg|right_leg|leg",
            "calf .. @pain|red|warm|tender",
            "@pain ... calf",
            "dvt|deep_vein_thrombosis|pulmonary_embol*|blood_clot .. leg|lung|lungs",
        ],
    ),
    lexeme(
        Sign::PainOnBreathing,
        &["深呼吸|吸气|呼吸 .. 痛|疼|刺痛|加重"],
        &["@pain|worse|hurts ... breathe|breathing|deep_breath|breath_in|inhale", "pleuritic"],
    ),
    lexeme(
        Sign::CardiacArrest,
        &[
            "没有|没|无 呼吸|脉搏|心跳",
            "呼吸|心跳|脉搏|心脏 .. 停止|停了|骤停|没了|没有了|摸不到",
            "摸不到脉搏|摸不到心跳",
        ],
        &[
            "not|isnt|stopped|wasnt|stops breathing !well|properly|right|hard|normally|fast|heavily",
            "no pulse|heartbeat",
            "no breathing",
            "heart .. stopped|stops",
            "cardiac_arrest|respiratory_arrest",
        ],
    ),
    lexeme(
        Sign::ColdPaleLimb,
        &[
            "腿|脚|手|胳膊|手臂|肢体|下肢|上肢|小腿 .. 冰凉|发凉|冰冷|发冷|凉 .. 苍白|发白|变白|麻木|痛|疼|无脉",
            "腿|脚|手|胳膊|手臂|肢体|下肢|小腿 .. 苍白|发白|变白 ... 冰凉|发凉|冰冷|冷|凉",
            "急性肢体缺血|肢体缺血",
        ],
        &[
            "leg|foot|arm|hand|limb|toes|fingers ... cold|cool ... pale|white|numb|blue|pulseless|mottled",
            "leg|foot|arm|hand|limb ... pale|white|pulseless ... cold|cool|numb",
            "cold|cool ... pale|white|numb|pulseless leg|foot|arm|hand|limb",
            "acute_limb_isch*",
        ],
    ),
    lexeme(
        Sign::AirwaySwelling,
        &["舌头|喉咙|嘴唇|口唇|咽喉|喉头|舌|嗓子|嘴|眼皮|脸 .. 肿|肿胀|水肿|肿起来|发紧|堵住", "喉头水肿"],
        &[
            "tongue|throat|lip|lips|face|mouth ... swell*|swollen|closing|tight*|closes|closed",
            "swell*|swollen|tightness ... tongue|throat|lip|lips|face|mouth",
        ],
    ),
    lexeme(
        Sign::AllergicTrigger,
        &[
            "过敏",
            "吃|食用|喝|打|注射|服 .. 花生|海鲜|虾|螃蟹|坚果|青霉素|头孢|抗生素|芒果|鸡蛋|牛奶|针",
            "蜜蜂|黄蜂|马蜂|蜂 .. 蜇|叮|咬|刺",
        ],
        &[
            "allerg*",
            "bee|wasp|hornet sting|stung",
            "stung .. bee|wasp|hornet",
            "ate|eating|eaten|after|had ... peanut*|nut|nuts|shellfish|shrimp|prawn*|sesame|penicillin|antibiotic*|egg|eggs|seafood",
        ],
    ),
    lexeme(
        Sign::Hives,
        &["荨麻疹|风团|风疹块", "全身|浑身|身上 .. 疹|皮疹|红疹|疙瘩|痒"],
        &["hives|urticaria|welts", "itch*|rash ... all_over|body|everywhere"],
    ),
    lexeme(
        Sign::AnaphylaxisNamed,
        &["过敏性休克|严重过敏反应|严重过敏|急性过敏反应"],
        &["anaphyla*", "@severe allergic_reaction", "epipen|epi_pen"],
    ),
    lexeme(
        Sign::Unconscious,
        &[
            "没有|没|无|失去|丧失 意识|知觉|反应",
            "昏迷|不省人事|意识不清|神志不清|意识丧失|意识障碍|人事不省|意识模糊",
            "叫|喊|唤|摇 .. 不醒|没反应|没有反应|无反应",
            "昏 .. 不醒",
        ],
        &[
            "unconscious*|unrespons*|comatose|in_a_coma",
            "not|isnt|doesnt|wont|no respond*|response|responsive|waking|wake",
            "@cant .. wake|rouse|be_woken|be_roused !up_early",
            "isnt|not|never .. conscious|woken_up",
        ],
    ),
    lexeme(
        Sign::FaceDroop,
        &[
            "嘴|口角|嘴角|口|脸|面部|面 .. 歪|歪斜|下垂|不对称|偏瘫|瘫|歪了|麻木",
            "面瘫|口眼歪斜|嘴歪眼斜|口歪",
            "半边|一侧|一边|左边|右边|左侧|右侧 .. 脸|面 .. 麻|不能动|动不了|垂",
        ],
        &[
            "face|mouth|smile|facial ... droop*|drop*|lopsided|uneven|crooked|sagging|numb*",
            "droop*|drooping|lopsided|crooked|sagging ... face|mouth|smile",
            "one_side ... face ... droop*|numb*|weak*|fallen|dropped",
        ],
    ),
    lexeme(
        Sign::LimbWeakness,
        &[
            "手|手臂|胳膊|腿|肢体|身体|身子|上肢|下肢|半身|半边身子|一侧肢体 .. 无力|没力|没力气|没有力气|使不上劲|抬不起来|抬不起|不能动|动不了|不听使唤|瘫",
            "偏瘫|半身不遂|偏身麻木",
            "半边|一侧|单侧|左侧|右侧|左边|右边 .. 身子|身体|肢体|手脚 .. 麻|麻木|无力|没力|没有力气|不能动|动不了",
            "@不能 .. 抬起|移动|举起 .. 手|胳膊|手臂|腿",
            "手|胳膊|手臂 @不能 .. 抬|动|举",
        ],
        &[
            "arm|leg|side|hand|limb|body ... weak*|numb*|paraly* !tired",
            "weak*|numb*|paraly* ... arm|leg|side|limb|hand|body",
            "@cant .. move|lift|raise|feel|use ... arm|arms|leg|side|hand|limb",
            "hemipar*|hemipleg*",
        ],
    ),
    lexeme(
        Sign::SlurredSpeech,
        &[
            "口齿不清|言语不清|吐字不清|说话不清|失语|大舌头",
            "说话|讲话|言语 .. 不清|含糊|不利索|困难|不清楚|不出来",
            "@不能|突然不能|说不出 说话|讲话|话",
        ],
        &[
            "slur*|garbled|aphasia",
            "speech .. strange|confused|gone|difficult*|jumbled|muddled",
            "trouble|difficulty|struggl* speaking|talking|finding_words",
            "@cant .. speak|talk|find .. words",
            "@cant .. speak|talk !to|about",
        ],
    ),
    lexeme(
        Sign::StrokeNamed,
        &["中风|脑卒中|卒中|脑梗|脑梗死|脑出血|脑溢血"],
        &["!heat|sun|back|breast|brush|key stroke !of|the|volume", "mini_stroke|tia|brain_bleed|brain_haemorrhage|brain_hemorrhage"],
    ),
    lexeme(
        Sign::VisionLoss,
        &[
            "@突 .. 看不见|看不清|失明|视力丧失|视物不见|黑|视力下降|视野",
            "看不见|失明|视力丧失|视物不见",
            "眼|眼睛 .. 看不见|失明|看不到|瞎",
        ],
        &[
            "@sudden* ... vision|sight|blind|see",
            "lost|loss|losing .. vision|sight|eyesight",
            "@cant .. see .. out|anything|properly|left|right|eye",
            "vision|sight .. gone|lost|went|disappeared|black",
            "gone|went|going blind",
            "double_vision",
        ],
    ),
    lexeme(
        Sign::Thunderclap,
        &[
            "@突 .. 剧烈头痛|头剧痛|剧烈的头痛|头痛欲裂|头痛 !好",
            "头痛|头疼 .. @突 .. 剧烈|厉害|爆炸",
            "霹雳样头痛|雷击样头痛|爆炸样头痛|炸裂样头痛|头痛欲裂|头要炸|头像炸",
            "最|从未有过|前所未有|从没这么 .. 头痛|头疼|剧烈头痛",
            "头痛|头疼 .. 从未|前所未有|最|从来没|从没",
        ],
        &[
            "thunderclap",
            "worst|@sudden .. headache",
            "@sudden ... @severe ... headache",
            "headache|head ... worst|exploded|exploding|explosive|@sudden|hit_by|hit_me|never_had",
        ],
    ),
    lexeme(
        Sign::Headache,
        &["头痛|头疼", "头 .. 痛|疼"],
        &["headache*|migraine*", "head .. @pain|pounding|throbbing", "@pain ... head"],
    ),
    lexeme(
        Sign::Seizure,
        &["抽搐|惊厥|癫痫发作|抽风|抽筋 .. 全身|意识|翻白眼|口吐白沫", "全身|浑身|四肢 .. 抽动|抽搐|抽筋|强直", "癫痫|羊癫疯|翻白眼|口吐白沫"],
        &["seizure*|convuls*|fitting|epileptic_fit|having_a_fit|had_a_fit|has_fits|having_fits", "body|limbs|whole_body ... jerking|shaking_uncontrollably", "foaming .. mouth"],
    ),
    lexeme(
        Sign::LongSeizure,
        &["抽搐|惊厥|癫痫|抽 .. 不停|不止|停不下来|持续|超过 五|5|十|10|分钟 ", "抽搐|惊厥|癫痫|抽 .. 不停|不止|停不下来|超过5分钟|超过五分钟|反复发作|接连发作", "癫痫持续状态"],
        &["seizure*|convuls*|fitting ... not_stop*|wont_stop|has_not_stopped|hasnt_stopped|doesnt_stop|still|minutes|one_after_another|repeated", "status_epilepticus", "first seizure|fit"],
    ),
    lexeme(
        Sign::StiffNeck,
        &["脖子|颈部|颈项|颈|后颈|项 .. 僵硬|强直|僵|发硬|硬|不能低头|低不下", "颈强直|脖子僵"],
        &["stiff|rigid .. neck", "neck .. stiff*|rigid", "stiffness .. neck", "@cant .. bend|touch ... neck|chin ... chest|down|forward"],
    ),
    lexeme(Sign::Rash, &["皮疹|红疹|疹子|起疹|出疹|瘀点|紫癜|出血点"], &["rash|spots|purpura*|petechia*"]),
    lexeme(
        Sign::NonBlanching,
        &[
            "按压|压|玻璃杯|按 .. 不褪色|不退色|不褪|不变白|不消|不退|不消失",
            "瘀点|瘀斑|紫癜|出血点|紫红色皮疹|紫色皮疹",
        ],
        &[
            "non|not|doesnt|does_not|wont|dont|didnt|isnt .. blanch*|fade|fading|disappear !pain",
            "nonblanching|purpur*|petechia*",
            "purple|bruise_like .. rash|spots|blotches",
            "rash|spots ... not|doesnt|dont|wont .. fade|disappear|blanch",
        ],
    ),
    lexeme(Sign::MeningitisNamed, &["脑膜炎"], &["mening*"]),
    lexeme(
        Sign::Confusion,
        &["意识模糊|神志不清|胡言乱语|说胡话|精神错乱|神志恍惚|认不出人|糊涂|谵妄|神志模糊"],
        &["confus*|delirious|delirium|disorient*|not_making_sense|incoherent|muddled|doesnt_know_where"],
    ),
    lexeme(
        Sign::SaddleNumbness,
        &["会阴|马鞍区|鞍区|肛门|大腿内侧|屁股|下身|私处|外阴 .. 麻|麻木|没感觉|没有感觉|没知觉|失去感觉"],
        &[
            "numb*|tingling|no_feeling|lost_feeling|loss_of_feeling|loss_of_sensation|no_sensation ... saddle|groin|genitals|genital|buttock*|anus|perineum|bottom|between_my_legs|private*|inner_thighs",
            "saddle|groin|genitals|genital|buttock*|bottom|inner_thighs|between_my_legs ... numb*",
            "saddle anaesthesia|anesthesia|numbness",
            "cauda_equina",
        ],
    ),
    lexeme(
        Sign::Incontinence,
        &["大小便失禁|小便失禁|大便失禁|尿失禁|失禁|尿裤子", "控制不住|憋不住 .. 尿|小便|大便|大小便", "大小便|小便|大便 .. 控制不住|憋不住|失控|解不出"],
        &["incontinen*", "lost|losing|loss|no .. control .. bladder|bowel|bowels", "@cant .. control|hold|feel ... bladder|bowel|bowels|urine|pee|stool", "wet|soil* myself|himself|herself"],
    ),
    lexeme(
        Sign::BackPain,
        &["腰痛|腰疼|背痛|背疼|腰背痛|后背痛|腰椎", "腰|背|后背 .. @痛"],
        &["back|spine .. @pain", "backache|sciatica|slipped_disc", "@pain ... back|spine"],
    ),
    lexeme(
        Sign::LegWeakness,
        &["双腿|两腿|两条腿|双下肢|腿|下肢 .. 无力|没力|没有力气|麻木|没知觉|没有知觉|没有感觉|没感觉|瘫|动不了"],
        &["both_legs|legs ... weak*|numb*|paraly*|giving_way|gave_way", "weak*|numb* ... both_legs|legs", "no|lost|loss_of feeling|sensation ... leg|legs", "@cant .. feel|move ... legs|leg"],
    ),
    lexeme(
        Sign::EyePainSevere,
        &[
            "眼|眼睛|眼球|眼部 .. 剧痛|胀痛|剧烈疼痛|剧烈痛|痛得|疼得|很痛|非常痛|突然痛|突然疼",
            "@突|@剧 .. 眼痛|眼睛痛|眼疼|眼睛疼|眼球痛",
            "急性青光眼|青光眼急性|化学品|碱液|硫酸|石灰 .. 溅|进 .. 眼",
        ],
        &[
            "@severe|@sudden .. eye .. @pain",
            "@severe|@sudden @pain ... eye|eyes",
            "eye|eyes ... @severe .. @pain",
            "eye ... hurts_so_much|excruciating|agony|unbearable|extremely_painful",
            "chemical*|bleach|acid|alkali ... eye|eyes",
            "acute_glaucoma",
        ],
    ),
    lexeme(
        Sign::HeadInjury,
        &[
            "头部外伤|头外伤|脑外伤|脑震荡|颅脑外伤|颅脑损伤",
            "撞|摔|磕|碰|砸|打 .. 头|后脑勺|脑袋|头部",
            "头|后脑勺|脑袋|头部 .. 撞|摔|磕|碰|砸|受伤|着地|被打",
        ],
        &[
            "head_injury|head_trauma|concuss*|injured_head|skull_fracture",
            "hit|hits|bang*|bump*|struck|knock*|smack*|crack*|injur*|fell|fall|landed ... head|skull",
            "head ... hit|struck|bang*|injur*|kicked",
            "blow|kick ... head",
        ],
    ),
];
